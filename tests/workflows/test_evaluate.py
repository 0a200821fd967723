"""Scores of a run: again, with another threshold, with test-time augmentation, on other cells; and of a file."""

import json
import shutil
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from leukemia_tf.config import EvaluateConfig, PredictConfig
from leukemia_tf.core.errors import ArgumentError, DataError, RunError, UserError
from leukemia_tf.core.files import read_csv
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.synthetic import draw_cells, write_phantoms
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.runs.open_runs import open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.predict import predict

FITTED = ("temperature", "threshold", "temperature_low", "temperature_high", "threshold_low", "threshold_high")


def test_evaluate_again_gives_the_same(tiny_run):
    before = tiny_run.metrics.read_bytes(), tiny_run.predictions("test").read_bytes()
    evaluate(EvaluateConfig(run=tiny_run.path))
    assert (tiny_run.metrics.read_bytes(), tiny_run.predictions("test").read_bytes()) == before


@pytest.mark.slow
def test_evaluate_by_another_threshold_and_more_views(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    before = read_predictions(run.predictions("val"))
    metrics = evaluate(EvaluateConfig(run=run.path, threshold="0.9"))
    calibration = metrics["decision"]
    rows = read_predictions(run.predictions("val"))
    assert [row.logit for row in rows] == [row.logit for row in before]
    for row in rows:
        assert row.probability == pytest.approx(1 / (1 + np.exp(-row.logit / calibration["temperature"])), abs=1e-6)
        assert row.prediction == ("all" if row.probability >= calibration["threshold"] else "hem")
    (prediction,) = predict(PredictConfig(images=tiny_run.data / rows[0].path, run=run.path))
    expected = 1 / (1 + np.exp(-prediction.logit / calibration["temperature"]))
    assert prediction.probability == pytest.approx(expected, abs=1e-6)
    turned_decision = evaluate(EvaluateConfig(run=run.path, tta="dihedral"))["decision"]
    assert {name: turned_decision[name] for name in FITTED} == {name: calibration[name] for name in FITTED}
    turned = read_predictions(run.predictions("val"))
    assert {row.view for row in turned} == {"dihedral"}
    assert [row.logit for row in turned] != [row.logit for row in rows]
    with pytest.raises(UserError, match="`threshold` beside `tta`"):
        evaluate(EvaluateConfig(run=run.path, threshold="0.4", tta="dihedral"))
    with pytest.raises(UserError, match="Received: threshold='many'"):
        evaluate(EvaluateConfig(run=run.path, threshold="many"))


@pytest.fixture
def other_cells(tmp_path):
    """Cells of other patients, in the layout of a plain tree."""
    folder = tmp_path / "other"
    for number, (path, pixels) in enumerate(draw_cells(patients=4, cells=5, seed=11, side=120)):
        name = Path(path).name
        target = folder / ("all" if name.endswith("_all.bmp") else "hem") / f"P{number % 4}" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), pixels[..., ::-1])
    return folder


@pytest.fixture
def copied_run(tiny_run, tmp_path):
    """A copy of the tiny run, so that its folder may be written into."""
    return open_run(shutil.copytree(tiny_run.path, tmp_path / "run"))


def test_external_validation(copied_run, tiny_cells, other_cells):
    metrics = evaluate(EvaluateConfig(run=copied_run.path, data=other_cells))
    out = copied_run.external("other")
    rows = read_predictions(out.predictions("test"))
    assert len(rows) == metrics["parts"]["test"]["cells"] == len(list(other_cells.rglob("*.bmp")))
    assert metrics["protocol"] == "external"
    stored = json.loads(copied_run.metrics.read_text())["decision"]
    assert {name: metrics["decision"][name] for name in FITTED} == {name: stored[name] for name in FITTED}
    assert out.figure("roc").is_file()
    seen = next(cell for cell in read_cells(copied_run.cells) if cell.split == "train")
    (other_cells / "all" / "P0" / "copy.bmp").write_bytes((tiny_cells / seen.path).read_bytes())
    with pytest.raises(DataError, match=r"copy\.bmp is .* which .* was trained or selected on"):
        evaluate(EvaluateConfig(run=copied_run.path, data=other_cells))
    with pytest.raises(ArgumentError, match="leave out `data`"):
        evaluate(EvaluateConfig(run=copied_run.path, data=other_cells, threshold="0.4"))


def test_a_network_file_scores_as_its_run(copied_run, other_cells, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    network = shutil.copy(copied_run.model, tmp_path / "network.keras")
    by_run = evaluate(EvaluateConfig(run=copied_run.path, data=other_cells))
    by_file = evaluate(EvaluateConfig(run=network, data=other_cells))
    assert "cannot be checked" in caplog.text
    assert by_file["decision"] == by_run["decision"]
    for metric, score in by_run["parts"]["test"]["cell"].items():
        assert by_file["parts"]["test"]["cell"][metric]["value"] == pytest.approx(score["value"], abs=1e-5, nan_ok=True)
    out = RunFolder(Path("network-on-other"))
    wanted = read_predictions(copied_run.external("other").predictions("test"))
    rows = read_predictions(out.predictions("test"))
    assert [row.path for row in rows] == [row.path for row in wanted]
    np.testing.assert_allclose([row.logit for row in rows], [row.logit for row in wanted], atol=1e-5)
    assert json.loads(out.metrics.read_text())["run"] == str(network)


def test_network_files_that_cannot_be_evaluated(copied_run, other_cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=r"`data`: .*model\.keras is a network without a run"):
        evaluate(EvaluateConfig(run=copied_run.model))
    foreign = tmp_path / "foreign.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(foreign)
    with pytest.raises(RunError, match="is not a network of this package"):
        evaluate(EvaluateConfig(run=foreign, data=other_cells))
    assert not Path("foreign-on-other").exists()


def test_evaluate_notices_other_pictures(tiny_run, tmp_path):
    other = write_phantoms(tmp_path / "other", patients=4, cells=5, seed=4, side=120)
    with pytest.raises(DataError, match="other"):
        evaluate(EvaluateConfig(run=tiny_run.path, data=other))


@pytest.mark.slow
def test_a_threshold_needs_five_patients_of_a_class(copied_run, caplog):
    metrics = evaluate(EvaluateConfig(run=copied_run.path, threshold="sensitivity:0.9"))
    assert metrics["decision"]["threshold"] == 0.5
    sentence = metrics["decision"]["cautions"][-1]
    assert "not fitted by the rule sensitivity:0.9: the validation part has" in sentence
    assert f"CAUTION: {sentence}" in caplog.text
    again = evaluate(EvaluateConfig(run=copied_run.path))
    assert sentence in again["decision"]["cautions"], "the network keeps it"
    assert sentence in copied_run.report.read_text()
    assert sentence in copied_run.card.read_text()


def test_another_threshold_shows_what_it_costs_and_keeps_the_former(copied_run, caplog):
    former = copied_run.model.read_bytes(), json.loads(copied_run.metrics.read_text())
    caplog.clear()
    metrics = evaluate(EvaluateConfig(run=copied_run.path, threshold="0.95"))
    (folder,) = copied_run.former()
    assert folder.name == metrics["before"]["folder"]
    assert (folder / "model.keras").read_bytes() == former[0]
    assert json.loads((folder / "metrics.json").read_text()) == former[1]
    assert metrics["before"]["threshold"] == former[1]["decision"]["threshold"] == 0.5
    for part, rows in metrics["before"]["parts"].items():
        for name, row in rows.items():
            assert row["former"] == pytest.approx(former[1]["parts"][part]["cell"][name]["value"])
            assert row["new"] == pytest.approx(metrics["parts"][part]["cell"][name]["value"])
            assert f"{name}, {part}" in caplog.text
    assert f"the former network and its scores: {folder}" in caplog.text
    evaluate(EvaluateConfig(run=copied_run.path, threshold="0.95"))
    assert copied_run.former() == [folder], "nothing changed, so nothing more is kept"


@pytest.mark.parametrize(
    "step",
    [
        "shutil.copy2",
        pytest.param("leukemia_tf.workflows.evaluate_run.write_atomically", marks=pytest.mark.slow),
        "leukemia_tf.workflows.evaluate_run.write_report",
    ],
)
def test_a_killed_evaluate_leaves_a_usable_run(copied_run, monkeypatch, step):
    former = copied_run.model.read_bytes(), copied_run.metrics.read_bytes()

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(step, killed)
        with pytest.raises(KeyboardInterrupt):
            evaluate(EvaluateConfig(run=copied_run.path, threshold="0.9"))
    for folder in copied_run.former():
        assert tuple((folder / name).read_bytes() for name in ("model.keras", "metrics.json")) == former
    if step == "shutil.copy2":
        assert (copied_run.model.read_bytes(), copied_run.metrics.read_bytes()) == former
    else:
        assert not copied_run.metrics.is_file(), "scores that may not be the network's are not left"
    (prediction,) = predict(PredictConfig(images=next(copied_run.data.rglob("*.bmp")), run=copied_run.path))
    assert prediction.status in ("ok", "unlike-training")
    metrics = evaluate(EvaluateConfig(run=copied_run.path))
    assert metrics["decision"]["threshold"] == (0.9 if step.endswith("write_report") else 0.5)


def test_what_a_paper_needs(tiny_run, tmp_path):
    run = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    metrics = evaluate(EvaluateConfig(run.path, paper=tmp_path / "paper"))
    names = {path.name for path in (tmp_path / "paper").iterdir()}
    figures = {path.stem for path in run.figures.glob("*.png")}
    assert {f"{name}.{kind}" for name in figures for kind in ("pdf", "svg", "png")} <= names
    scores = read_csv(tmp_path / "paper" / "scores.csv")
    by_patient = next(row for row in scores if row["metric"] == "AUROC by patient")
    assert by_patient["test, over cells"] == format_score(metrics["parts"]["test"]["cell"]["auroc_by_patient"])
    with pytest.raises(ArgumentError, match="a run's test patients"):
        evaluate(EvaluateConfig(run.path, data=tmp_path, paper=tmp_path / "paper"))
