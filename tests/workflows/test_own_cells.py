"""A lab's own folders and its sheet of patients, through the commands: one meaning everywhere, and kept with a run."""

import shutil
from dataclasses import replace

import cv2
import numpy as np
import openpyxl
import pytest

from leukemia_tf.config import AuditConfig, EvaluateConfig, NoisyStudentConfig, Reading, TrainConfig
from leukemia_tf.config.upgrade import upgraded
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.loading import load_cells
from leukemia_tf.data.prepare import prepare_cells, warn_of_joined
from leukemia_tf.data.synthetic import write_phantoms
from leukemia_tf.training.refit import refit_config
from leukemia_tf.training.resume import resumed_config
from leukemia_tf.workflows.audit import audit
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.train import train

LABELS = ("all=Early,Pre,Pro", "hem=Benign")


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return write_phantoms(tmp_path_factory.mktemp("other") / "cells", patients=4, cells=4, seed=9, side=120)


@pytest.fixture
def lab(phantoms, tmp_path):
    """The phantom cells as JPEG under other names, and their patients in an Excel sheet."""
    book = openpyxl.Workbook()
    book.active.append(["Image", "Case"])
    for number, path in enumerate(sorted(phantoms.rglob("*.bmp"))):
        _, patient, *_, label = path.stem.split("_")
        kind = "Benign" if label == "hem" else ("Early", "Pre", "Pro")[number % 3]
        target = tmp_path / "lab" / kind / f"WBC-{number:03}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), cv2.imread(str(path)))
        book.active.append([target.name, f"case {patient}"])
    book.save(tmp_path / "patients.xlsx")
    return tmp_path / "lab"


def reading(lab):
    return {"labels": LABELS, "patients": lab.parent / "patients.xlsx"}


@pytest.mark.slow
def test_a_run_keeps_its_patients(lab, tmp_path):
    """Resumed and refitted, it reads the same cells though the sheet is gone."""
    shown = {"framing": "cell", "image_size": 60, "epochs": 1, "batch_size": 8}
    config = TrainConfig(base="scratch", data=lab, out=tmp_path / "run", **reading(lab), **shown)
    run = train(config)
    assert run.report.is_file()
    cells = read_cells(run.cells)
    assert {cell.patient for cell in cells} == {f"CASE {name}" for name in ("1", "2", "3", "4", "H1", "H7", "H8", "H9")}
    assert {cell.label for cell in cells if cell.path.startswith("Benign")} == {"hem"}
    (lab.parent / "patients.xlsx").unlink()
    again = resumed_config(run)
    assert prepare_cells(lab, again.split, again.seed, reading=again).cells == cells
    refit = refit_config(TrainConfig(refit=run.path))
    assert (refit.labels, refit.patients) == (LABELS, run.patients)
    assert [cell.patient for cell in prepare_cells(lab, refit.split, 0, reading=refit).cells] == [
        cell.patient for cell in cells
    ]
    with pytest.raises(DataError, match=r"patients\.xlsx: No such file"):
        train(replace(config, out=tmp_path / "other"))


def test_evaluate_reads_another_folder_by_its_flags(lab, tiny_run, caplog):
    with pytest.raises(DataError, match=r"Early .* stand for no class"):
        evaluate(EvaluateConfig(run=tiny_run.path, data=lab))
    metrics = evaluate(EvaluateConfig(run=tiny_run.path, data=lab, **reading(lab)))
    assert metrics["parts"]["test"]["patients"] == {"hem": 4, "all": 4}
    caplog.clear()
    shutil.rmtree(lab / "Benign")
    evaluate(EvaluateConfig(run=tiny_run.path, data=lab, labels=LABELS[:1], patients=lab.parent / "patients.xlsx"))
    warnings = [record.getMessage() for record in caplog.records]
    (place,) = [i for i, text in enumerate(warnings) if "holds ALL (leukemic) cells alone" in text]
    assert "the sensitivity can be measured there, and no AUROC" in warnings[place]
    with pytest.raises(ArgumentError, match="`labels`: the run knows its cells' labels and patients"):
        evaluate(EvaluateConfig(run=tiny_run.path, labels=LABELS))


def test_from_python(lab):
    named = {"all": ["Early", "Pre", "Pro"], "hem": ["Benign"]}
    cells = load_cells(lab, image_size=32, labels=named, patients=lab.parent / "patients.xlsx")
    assert {(row["label"], "H" in row["patient"]) for row in cells.table} == {("all", False), ("hem", True)}


def test_the_command_line(lab, run_module, tmp_path):
    done = run_module(".audit", lab, "--labels", "all=Pro", cwd=tmp_path)
    assert done.returncode == 2
    assert "map each of them, as in --labels all=Early,Pre,Pro hem=Benign; --labels none=NAMES" in done.stderr


def test_tiff_in_any_layout_is_converted_and_read(lab, tmp_path):
    for path in lab.rglob("*.jpg"):
        cv2.imwrite(str(path.with_suffix(".tif")), cv2.imread(str(path)))
        path.unlink()
    some = next(lab.rglob("*.tif"))
    cv2.imwritemulti(str(some), [cv2.imread(str(some)), np.zeros((9, 9, 3), np.uint8)])
    with pytest.raises(DataError, match=r"\.tif: is a TIFF.*python -m leukemia_tf\.audit DATA --convert-to FOLDER"):
        prepare_cells(lab, "patient", 0, reading=Reading(**reading(lab)))
    with pytest.raises(DataError, match="stand for no class"):  # converted all the same
        audit(AuditConfig(lab, out=tmp_path / "audit", convert_to=tmp_path / "clean"))
    report = audit(AuditConfig(lab, out=tmp_path / "audit", convert_to=tmp_path / "again", **reading(lab)))
    assert len(report["rejected"]) == report["images"] == len(list((tmp_path / "clean").rglob("*.png")))
    clean = audit(AuditConfig(tmp_path / "clean", out=tmp_path / "audit", **reading(lab)))
    assert (clean["patients"], clean["rejected"]) == (8, [])


def test_pages_and_turned_pictures_are_said(lab, tmp_path, caplog):
    first, second = sorted((lab / "Benign").iterdir())[:2]
    pixels = cv2.imread(str(first))[:100]
    first.unlink()
    cv2.imwritemulti(str(first.with_suffix(".tif")), [pixels, pixels])
    turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    content = second.read_bytes()
    second.write_bytes(content[:2] + b"\xff\xe1\0\x22Exif\0\0" + turned + content[2:])
    audit(AuditConfig(lab, out=tmp_path / "audit", convert_to=tmp_path / "clean", **reading(lab)))
    assert "it has 2 pages, and the first was converted" in caplog.text
    upright = cv2.imread(str(tmp_path / "clean/Benign" / f"{second.stem}.png"))
    np.testing.assert_array_equal(upright, np.rot90(cv2.imread(str(second), cv2.IMREAD_IGNORE_ORIENTATION | 1), -1))


def test_what_is_passed_over_is_in_the_audit(lab, tmp_path):
    (lab / "Pre/._WBC-001.jpg").write_bytes(b"\0\5\26\7")
    report = audit(AuditConfig(lab, out=tmp_path / "audit", **reading(lab)))
    assert [row["path"] for row in report["warnings"] if "passed over" in row["reason"]] == ["Pre/._WBC-001.jpg"]


def test_patients_joined_by_alike_pictures_are_doubted(caplog):
    warn_of_joined([("A", "B")], {"A", "B", "C", "D", "E"})
    assert not caplog.records
    warn_of_joined([("A", "B", "C")], {"A", "B", "C", "D", "E"})
    assert "make one patient of 3 of 5 (A, B, C, …)" in caplog.text


def test_labels_of_noisy_student_are_targets_now():
    assert upgraded({"asked": {"labels": "hard", "seed": 1}}) == {"asked": {"targets": "hard", "seed": 1}}
    assert upgraded({"train": {"labels": list(LABELS)}}) == {"train": {"labels": list(LABELS)}}
    config = NoisyStudentConfig(labels={"all": ["Early", "Pro"], "hem": "Benign"})
    assert (config.labels, config.targets) == (("all=Early,Pro", "hem=Benign"), "soft")
