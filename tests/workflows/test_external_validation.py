"""External validation stops at copies of what the run was trained on, however they are stored; and its report."""

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukemia_tf.config import EvaluateConfig, TrainConfig
from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.fingerprints import read_fingerprints
from leukemia_tf.data.synthetic import draw_cells, write_phantoms
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.train import train


def corner_pixel(pixels):
    changed = pixels.copy()
    changed[0, 0] = 200
    return changed


def jpeg(pixels):
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)


@pytest.fixture
def copy_part(tiny_run, tmp_path):
    """Write a run's cells of a part into another folder, altered, of patients with other names."""

    def write(part, alter):
        for number, cell in enumerate(cell for cell in read_cells(tiny_run.cells) if cell.split == part):
            target = tmp_path / "other" / cell.label / f"new-{cell.patient}" / f"{number}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(target), alter(cv2.imread(str(tiny_run.data / cell.path))))
        return tmp_path / "other"

    return write


@pytest.mark.parametrize("alter", [corner_pixel, jpeg, lambda pixels: np.ascontiguousarray(pixels[::-1])])
@pytest.mark.parametrize("part", ["train", "val"])
def test_near_duplicates_stop_it(tiny_run, copy_part, part, alter):
    folder = copy_part(part, alter)
    count = sum(cell.split == part for cell in read_cells(tiny_run.cells))
    with pytest.raises(DataError) as stopped:
        evaluate(EvaluateConfig(run=tiny_run.path, data=folder))
    message = str(stopped.value)
    assert f"{count} of {count} pictures in {folder} are near-duplicates of cells that {tiny_run}" in message
    assert message.count("(similarity ") == 3
    assert not tiny_run.external("other").path.exists()


def test_the_command_says_one_sentence(tiny_run, copy_part, run_module, tmp_path):
    done = run_module(".evaluate", tiny_run.path, "--data", copy_part("train", corner_pixel), cwd=tmp_path)
    assert done.returncode == 2
    assert "near-duplicates" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_keeps_the_fingerprints_of_its_cells(tiny_run):
    kept = read_fingerprints(tiny_run.fingerprints)
    assert set(kept.hashes) == {cell.sha256 for cell in read_cells(tiny_run.cells) if cell.split}


def test_an_older_run_reads_its_pictures_again_or_says_that_it_cannot(tiny_run, copy_part, tmp_path, caplog):
    older = RunFolder(tmp_path / "older")
    shutil.copytree(tiny_run.path, older.path)
    older.fingerprints.unlink()
    folder = copy_part("train", corner_pixel)
    with pytest.raises(DataError, match="near-duplicates"):
        evaluate(EvaluateConfig(run=older.path, data=folder))
    text = older.config.read_text().replace(str(tiny_run.data), str(tmp_path / "gone"))
    older.config.write_text(text)
    evaluate(EvaluateConfig(run=older.path, data=folder))
    assert "only the exact hashes were compared" in caplog.text


@pytest.fixture(scope="module")
def draw_other(tmp_path_factory):
    """Write blurred cells of other people, of 5 patients of each named class: `draw_other(name, *labels)`."""

    def write(name, *labels):
        folder = tmp_path_factory.mktemp("other") / name
        for path, pixels in draw_cells(patients=5, cells=2, seed=21, side=120):
            name = Path(path).name
            label = Path(path).stem.rsplit("_", 1)[1]
            target = folder / label / f"new-{name.split('_')[1]}" / name
            if label in labels:
                target.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(target), cv2.GaussianBlur(pixels, (9, 9), 0))
        return folder

    return write


@pytest.fixture(scope="module")
def own_run(tiny_run, tmp_path_factory):
    """A copy of the tiny run, so that its folder may be written into."""
    return RunFolder(shutil.copytree(tiny_run.path, tmp_path_factory.mktemp("runs") / "run"))


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL)).split())


def test_the_report_says_above_the_scores_that_the_cells_are_unlike(own_run, draw_other, check_report):
    metrics = evaluate(EvaluateConfig(run=own_run.path, data=draw_other("blurred", "all", "hem"), tta="dihedral"))
    out = own_run.external("blurred")
    test, text = metrics["parts"]["test"], text_of(out.report.read_text())
    caution = f"{test['unlike_training']} of {test['cells']} cells"
    headline = f"AUROC by patient {format_score(test['cell']['auroc_by_patient'])}"
    assert 0 < text.index(caution) < text.index(headline)
    for name in ("sensitivity", "specificity", "auprc", "brier"):
        assert format_score(test["cell"][name]) in text
    page = check_report(out.report)
    for name in ("confusion-matrix", "calibration", "histogram", "patients", "errors-by-size"):
        assert page.query_selector(f"#figure-{name} img"), name
        assert out.figure(name).is_file()
    assert len(page.query_selector_all("#table-patients tbody tr")) == sum(test["patients"].values()) == 10
    assert "python -m leukemia_tf.evaluate run --data blurred --tta dihedral" in text
    assert re.search(r"Run run \([0-9a-f]{12}\)", text)
    assert re.search(r"Scored cells blurred \([0-9a-f]{12}\)", text)


def test_the_report_of_one_class_begins_with_what_can_be_measured(own_run, draw_other, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = draw_other("leukemic", "all")
    metrics = evaluate(EvaluateConfig(run=own_run.model, data=folder, labels=("all=all",)))
    text = text_of(Path("model-on-leukemic/report.html").read_text())
    assert f"Sensitivity over cells {format_score(metrics['parts']['test']['cell']['sensitivity'])}" in text
    assert "The folder lacks a class (5 ALL (leukemic) and 0 HEM (normal) patients)" in text
    assert "Whether model.keras was trained on these cells cannot be checked" in text
    assert "python -m leukemia_tf.evaluate model.keras --data leukemic --labels all=all" in text


def test_a_refit_is_scored_on_other_cells(tiny_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refit = train(TrainConfig(refit=tiny_run.path, out=tmp_path / "refit"))
    other = write_phantoms(tmp_path / "other", patients=3, cells=2, seed=21, side=120)
    metrics = evaluate(EvaluateConfig(run=refit.path, data=other))
    assert metrics["protocol"] == "external"
    assert refit.external("other").report.is_file()
