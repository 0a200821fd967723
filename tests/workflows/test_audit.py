"""The audit finds what was planted, writes its report whole, and ends with the exit code that the data deserves."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from leukemia_tf.config import AuditConfig
from leukemia_tf.core.errors import DataError, UserError
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.scan import scan
from leukemia_tf.data.synthetic import write_phantoms
from leukemia_tf.workflows.audit import audit


@pytest.fixture
def planted(tiny_cells, tmp_path):
    """The tiny cells with: a copy under another patient, a cell turned and lit otherwise, odd cells, bad files."""
    folder = tmp_path / "cells"
    shutil.copytree(tiny_cells, folder)
    first, second = sorted(folder.rglob("UID_1_*_all.bmp"))[:2]
    pixels = cv2.imread(str(first))
    there = first.parent
    cv2.imwrite(str(there / "UID_2_90_1_all.png"), pixels)
    again = np.rot90(pixels)[::-1]
    again = np.where(again > 0, np.clip(again * 1.1 + 5, 0, 255), 0).astype(np.uint8)
    cv2.imwrite(str(there / "UID_1_91_1_all.bmp"), again)
    cv2.imwrite(str(there / "UID_3_90_1_all.bmp"), np.zeros_like(pixels))
    cut = np.zeros_like(pixels)
    cut[:, :75] = cv2.imread(str(second))[:, 45:]
    cv2.imwrite(str(there / "UID_3_91_1_all.bmp"), cut)
    two = np.zeros((120, 240, 3), np.uint8)
    two[:, :120], two[:, 120:] = pixels, cv2.imread(str(second))
    cv2.imwrite(str(there / "UID_3_92_1_all.bmp"), two)
    (there / "UID_4_90_1_all.bmp").write_bytes(first.read_bytes()[:-5])
    cv2.imwrite(str(there / "UID_4_91_1_all.tiff"), pixels)
    Image.fromarray(pixels[..., ::-1]).convert("P").save(there / "UID_4_92_1_all.bmp")
    Image.fromarray(pixels[..., ::-1]).convert("1").save(there / "UID_4_93_1_all.png")
    cv2.imwrite(str(there / "UID_H1_90_1_hem.bmp"), pixels)
    cv2.imwrite(str(folder / "unnamed.bmp"), cv2.imread(str(second)))
    return folder


def named(rows):
    return {row["path"].split("/")[-1]: row["reason"] for row in rows}


def test_what_was_planted_is_found(planted, tmp_path):
    report = audit(AuditConfig(planted, out=tmp_path / "report", on_bad_image="skip"))
    assert report == json.loads((tmp_path / "report/audit.json").read_text())
    assert report["images"] == sum(path.suffix in (".bmp", ".png", ".tiff") for path in planted.rglob("*"))
    rejected = named(report["rejected"])
    assert set(rejected) == {
        *("UID_4_90_1_all.bmp", "UID_4_91_1_all.tiff", "UID_4_92_1_all.bmp", "UID_4_93_1_all.png"),
        "UID_H1_90_1_hem.bmp",
    }
    assert "truncated" in rejected["UID_4_90_1_all.bmp"]
    assert "its folder `all`" in rejected["UID_H1_90_1_hem.bmp"]
    identical = [sorted(path.split("/")[-1] for path in group) for group in report["identical"]]
    assert len(identical) == 2
    assert any("UID_2_90_1_all.png" in group for group in identical)
    assert any("unnamed.bmp" in group for group in identical)
    assert any("UID_1_91_1_all.bmp" in path for group in report["near_duplicates"] for path in group)
    assert report["shared_patients"] == [["1", "2", "3"]]  # the picture with two cells is of patient 1, under 3
    warnings = named(report["warnings"])
    assert "no cell" in warnings["UID_3_90_1_all.bmp"]
    assert "border" in warnings["UID_3_91_1_all.bmp"]
    two = [row["reason"] for row in report["warnings"] if row["path"].endswith("UID_3_92_1_all.bmp")]
    assert two[0] == "more than one cell"
    assert two[1].startswith("the same cell as")
    assert "left for predict" in warnings["unnamed.bmp"]
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
        *("report.html", "audit.json", "audit.png", "cells.png", "cells.csv", "rejected.csv"),
        *("acquisition.csv", "acquisition.png"),
    }
    with (tmp_path / "report/rejected.csv").open() as stream:
        assert named(csv.DictReader(stream)) == rejected


def displaced(folder, label, by):
    """Displace the red channel of a label's cells by whole pixels."""
    for path in folder.rglob(f"*_{label}.bmp"):
        pixels = cv2.imread(str(path))
        pixels[..., 2] = np.roll(pixels[..., 2], by, axis=1)
        cv2.imwrite(str(path), pixels)


def test_a_session_for_each_class_is_warned_of(tmp_path, caplog):
    folder = write_phantoms(tmp_path / "cells", patients=5, cells=4, seed=3, side=220)
    displaced(folder, "all", 1)
    report = audit(AuditConfig(folder, out=tmp_path / "report"))["acquisition"]
    assert report == json.loads((tmp_path / "report/audit.json").read_text())["acquisition"]
    assert report["cues"]["red_x"]["all"] == pytest.approx(1, abs=0.15)
    assert report["cues"]["red_x"]["hem"] == pytest.approx(0, abs=0.15)
    assert report["cues"]["red_x"]["auroc_by_patient"]["value"] > 0.95
    assert report["warning"].startswith("the pictures' acquisition alone tells the classes apart: AUROC by patient 1.0")
    assert f"WARNING: {report['warning']}" in caplog.text
    assert "red against green, across (px)" in caplog.text
    with (tmp_path / "report/acquisition.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["patient"], row["label"]) for row in rows[:2]] == [("1", "all"), ("2", "all")]
    assert float(rows[0]["red_x"]) == pytest.approx(1, abs=0.2)
    assert sum(int(row["cells"]) for row in rows) == report["cells"]
    assert (tmp_path / "report/acquisition.png").stat().st_size > 10_000


def test_cells_on_grey_and_of_one_class(tiny_cells, tmp_path):
    folder = tmp_path / "all"
    folder.mkdir()
    for path in tiny_cells.rglob("*_all.bmp"):
        pixels = cv2.imread(str(path))
        cv2.imwrite(str(folder / path.name), np.where(pixels.max(-1, keepdims=True) > 0, pixels, 200))
    report = audit(AuditConfig(tmp_path, out=tmp_path / "report"))["acquisition"]
    assert report["cues"]["background"]["all"] == 200
    assert report["together"] is None
    assert report["warning"] is None


def test_bad_images_end_it_after_the_report(planted, tmp_path):
    with pytest.raises(DataError, match=r"UID_H1_90_1_hem\.bmp: its name says .*\(4 more are named in "):
        audit(AuditConfig(planted, out=tmp_path / "report"))
    assert (tmp_path / "report/audit.json").is_file()
    assert (tmp_path / "report/audit.png").is_file()


def test_convert(planted, tmp_path):
    audit(AuditConfig(planted, out=tmp_path / "report", on_bad_image="skip", convert_to=tmp_path / "clean"))
    with pytest.raises(UserError, match="lies inside the data folder"):
        audit(AuditConfig(planted, out=tmp_path / "report", convert_to=planted / "all"))
    written = {path.name: path for path in (tmp_path / "clean").rglob("*") if path.is_file()}
    assert set(written) == {"UID_4_91_1_all.png", "UID_4_92_1_all.png", "UID_4_93_1_all.png"}
    original = next(planted.rglob("UID_4_91_1_all.tiff"))
    np.testing.assert_array_equal(cv2.imread(str(written["UID_4_91_1_all.png"])), cv2.imread(str(original)))
    palette = np.array(Image.open(next(planted.rglob("UID_4_92_1_all.bmp"))).convert("RGB"))
    np.testing.assert_array_equal(cv2.imread(str(written["UID_4_92_1_all.png"]))[..., ::-1], palette)
    for path in written.values():
        shutil.copy(path, planted / "training_data/fold_0/all" / path.name)
    for row in read_catalog(planted).rejected:
        (planted / row.path).unlink()
    for pattern in ("UID_4_90_1_all.bmp", "UID_4_91_1_all.tiff", "UID_4_92_1_all.bmp"):
        next(planted.rglob(pattern)).unlink()
    assert scan(read_catalog(planted)).rejected == ()  # what was converted is accepted


def test_quarantine(planted, tmp_path):
    report = audit(AuditConfig(planted, out=tmp_path / "report", on_bad_image="quarantine"))
    aside = planted.with_name("cells-quarantine")
    assert {str(path.relative_to(aside)) for path in aside.rglob("UID*")} == {row["path"] for row in report["rejected"]}
    assert audit(AuditConfig(planted, out=tmp_path / "again"))["rejected"] == []


@pytest.mark.slow
def test_command(planted, tmp_path, run_module):
    done = run_module(".audit", planted, "--out", tmp_path / "report", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "names that are one patient: 1 = 2 = 3" in done.stdout
    done = run_module(".audit", planted, "--on-bad-image", "skip", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["patients"] == 6  # of 8 names, three of which are one patient
    done = run_module(".audit", tmp_path / "nowhere", cwd=tmp_path)
    assert (done.returncode, "no such folder" in done.stderr) == (2, True)


@pytest.mark.slow
def test_leak_is_measured(tiny_cells, tmp_path):
    with pytest.raises(DataError, match="5 folds need 5 patients of each class: `hem` has 4"):
        audit(AuditConfig(tiny_cells, out=tmp_path / "few", leak=True, weights="none"))
    assert (tmp_path / "few/audit.json").is_file()
    cells = write_phantoms(tmp_path / "cells", patients=6, cells=3, seed=4, side=120)
    leak = audit(AuditConfig(cells, out=tmp_path, leak=True, weights="none"))["leak"]
    assert leak["weights"] == "random"
    for by in ("image", "patient"):
        for score in ("auroc", "auroc_by_patient", "weighted_f1"):
            assert leak[by][score]["low"] <= leak[by][score]["high"]
    assert (tmp_path / "leak.png").is_file()


@pytest.mark.slow
def test_leak_on_real_cells(real_cells, real_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("LEUKEMIA_TF_WEIGHTS", str(real_weights))
    leak = audit(AuditConfig(real_cells, out=tmp_path, leak=True))["leak"]
    assert 0.05 < leak["image"]["auroc"]["value"] - leak["patient"]["auroc"]["value"] < 0.2


@pytest.mark.slow
def test_real_cells(real_cells, tmp_path):
    report = audit(AuditConfig(real_cells, out=tmp_path))
    assert (report["images"], report["patients"], len(report["rejected"])) == (2001, 31, 0)
    assert sum(len(group) - 1 for group in report["identical"]) == 15
    assert report["shared_patients"] == [["20", "21"], ["51", "75", "78"], ["H2", "H4", "H5", "H6"], ["H3", "H10"]]


def test_its_report(planted, tmp_path, check_report):
    report = audit(AuditConfig(planted, out=tmp_path / "report", on_bad_image="skip"))
    page = check_report(tmp_path / "report" / "report.html")
    assert page.inner_text(".summary strong") == f"{report['images']} images of {report['patients']} patients"
    text = page.inner_text("main")
    for row in (*report["rejected"], *report["warnings"]):
        assert row["path"] in text
        assert row["reason"] in text
    assert page.query_selector_all("#repeated ~ ul.cells img")
