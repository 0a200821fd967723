"""Cross-validation: every cell is tested once, by a network that never saw its patient."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.config import CrossvalConfig, EvaluateConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError, DataError, RunError, UserError
from leukemia_tf.core.files import read_csv, read_json
from leukemia_tf.data.catalog import read_cells, write_cells
from leukemia_tf.evaluation.predictions import arrays, read_predictions
from leukemia_tf.evaluation.scores import count_text, format_score
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.workflows.crossval import crossval
from leukemia_tf.workflows.crossval_table import table
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.train import train

TINY = {"base": "scratch", "framing": "cell", "stain_normalization": "none", "image_size": 60}
TINY |= {"batch_size": 8, "epochs": 1}


@pytest.fixture(scope="module")
def config(tiny_cells, tmp_path_factory):
    out = tmp_path_factory.mktemp("studies") / "folds"
    return CrossvalConfig(**TINY, data=tiny_cells, out=out, folds=2, validation=0, holdout=0.25)


@pytest.fixture(scope="module")
def study(config):
    return crossval(config)


def test_every_cell_is_tested_once_by_its_fold(study):
    table = {row["path"]: row["seed-0"] for row in read_csv(study.folds)}
    rows = read_predictions(study.predictions("seed-0"))
    assert sorted(row.path for row in rows) == sorted(path for path, fold in table.items() if fold != "aside")
    for fold in ("0", "1"):
        run = study.run(f"seed-0-fold-{fold}")
        test = {row.path: row for row in read_predictions(run.predictions("test"))}
        assert {path for path, by in table.items() if by == fold} == set(test)
        assert [row for row in rows if row.path in test] == [test[row.path] for row in rows if row.path in test]


def test_held_out_patients_are_never_seen(study):
    aside = {row["patient"] for row in read_csv(study.folds) if row["seed-0"] == "aside"}
    assert len(aside) == 2  # a quarter of four patients, of either class
    for fold in range(2):
        cells = read_cells(study.run(f"seed-0-fold-{fold}").cells)
        assert {cell.split for cell in cells if cell.patient in aside} == {""}


def test_scores_follow_from_the_predictions(study):
    metrics = read_json(study.metrics)
    labels, probabilities, _ = arrays(read_predictions(study.predictions("seed-0")))
    assert metrics["parts"]["seed-0"]["cell"]["auroc"]["value"] == pytest.approx(roc_auc_score(labels, probabilities))
    wrong_cells = metrics["parts"]["seed-0"]["wrong_cells"][0]
    assert wrong_cells["wrong_cells"] + wrong_cells["right_cells"] == len(labels)
    folds = [read_json(study.run(row["run"]).metrics)["parts"]["test"]["cell"] for row in metrics["runs"]]
    accuracies = [scores["accuracy"]["value"] for scores in folds]
    over = metrics["over_folds"]["accuracy"]
    assert (over["mean"], over["sd"]) == pytest.approx((np.mean(accuracies), np.std(accuracies, ddof=1)))
    assert over["variance"] == pytest.approx(np.var(accuracies, ddof=1))
    part = metrics["parts"]["seed-0"]
    assert part["compared_with_area"]["network_minus_area"]["auroc"]["value"] == pytest.approx(
        part["cell"]["auroc"]["value"] - part["compared_with_area"]["area"]["auroc"]["value"]
    )
    assert sum(row["cells"] for row in part["by_patient"]) == part["cells"]
    text = table(metrics)
    assert "mean of the folds (sd)" in text
    assert "cell area alone" in text
    for name in ("histories", "patients-seed-0", "roc-seed-0"):
        assert study.figure(name).is_file()


def test_the_vote_and_the_mean_on_held_out_patients(study):
    by_fold = [read_predictions(study.run(f"seed-0-fold-{fold}").predictions("holdout")) for fold in range(2)]
    labels = arrays(by_fold[0])[0]
    mean = np.mean([[row.probability for row in rows] for rows in by_fold], axis=0)
    holdout = read_json(study.metrics)["holdout"]
    assert holdout["mean"]["cell"]["auroc"]["value"] == pytest.approx(roc_auc_score(labels, mean))
    votes = np.mean([[row.prediction == "all" for row in rows] for rows in by_fold], axis=0)
    assert holdout["vote"]["cell"]["accuracy"]["value"] == pytest.approx(np.mean((votes >= 0.5) == labels))
    accuracies = [np.mean([row.prediction == row.label for row in rows]) for rows in by_fold]
    assert holdout["over_folds"]["accuracy"]["variance"] == pytest.approx(np.var(accuracies, ddof=1))


def test_a_fold_is_an_ordinary_run(study, config, tmp_path):
    split = study.split("seed-0-fold-1", ".json")
    alone = train(TrainConfig(**TINY, data=config.data, split=str(split), out=tmp_path / "alone"))
    fold = study.run("seed-0-fold-1")
    assert alone.predictions("test").read_bytes() == fold.predictions("test").read_bytes()


@pytest.mark.slow
def test_an_interrupted_study_resumes(study, config, tmp_path):
    out = tmp_path / "stopped"
    shutil.copytree(study, out)
    stopped = Study(out)
    settings = stopped.read_config()
    settings["asked"]["out"] = str(out)
    stopped.config.write_text(json.dumps(settings))
    stopped.metrics.unlink()
    finished, unfinished = (stopped.run(f"seed-0-fold-{fold}") for fold in range(2))
    shutil.rmtree(unfinished)
    modified = finished.model.stat().st_mtime_ns
    crossval(CrossvalConfig(out=out, resume=True))
    assert finished.model.stat().st_mtime_ns == modified
    assert stopped.predictions("seed-0").read_bytes() == study.predictions("seed-0").read_bytes()
    again, first = (read_json(folder.metrics) for folder in (stopped, study))
    assert all(again[part] == first[part] for part in ("parts", "over_folds", "holdout"))
    with pytest.raises(RunError, match="is there already"):
        crossval(replace(config, out=out, epochs=2))


def test_a_leak_is_not_reported(study, tmp_path):
    out = tmp_path / "leaking"
    shutil.copytree(study, out)
    leaking = Study(out)
    leaking.metrics.unlink()
    run = leaking.run("seed-0-fold-0")
    cells = read_cells(run.cells)
    test = next(cell for cell in cells if cell.split == "test")
    write_cells(run.cells, [*cells, replace(test, path="all/another.bmp", split="train")])
    with pytest.raises(RunError, match=f"leak: .* was trained on its test patient {test.patient}"):
        crossval(CrossvalConfig(out=out, resume=True))
    assert not leaking.metrics.is_file()


@pytest.mark.slow
def test_folds_by_image_say_so(tiny_cells, tmp_path, capsys):
    config = CrossvalConfig(**TINY, data=tiny_cells, out=tmp_path / "images", folds=2, split="image", validation=0.3)
    study = crossval(config)
    metrics = read_json(study.metrics)
    assert "patients leak" in metrics["caution"]
    assert read_json(study.run("seed-0-fold-0").metrics)["protocol"] == "image"
    cells = read_cells(study.run("seed-0-fold-0").cells)
    seen = {cell.patient for cell in cells if cell.split == "train"}
    assert seen & {cell.patient for cell in cells if cell.split == "test"}
    assert {row.path for row in read_predictions(study.predictions("seed-0"))} == {cell.path for cell in cells}


@pytest.mark.parametrize(
    ("flags", "error", "sentence"),
    [
        ({"folds": 5}, DataError, "5 folds need 5 patients of each class: `hem` has 4 distinct"),
        ({"folds": 1}, UserError, "`folds`: it takes a number of 2 or more"),
        ({"repeats": 0}, UserError, "Received: repeats=0"),
        ({"holdout": 1.0}, UserError, "`holdout`: it takes a share"),
        ({"split": "official"}, UserError, "`split`: crossval draws its folds itself"),
        ({"resume": True, "out": None}, RunError, "name that folder"),
        ({"resume": True}, RunError, "is no folder of `crossval`"),
        ({"lr": -1.0}, UserError, "Received: lr=-1.0"),
    ],
)
def test_what_cannot_be_is_refused(tiny_cells, tmp_path, flags, error, sentence):
    with pytest.raises(error, match=sentence):
        crossval(CrossvalConfig(**{**TINY, "data": tiny_cells, "out": tmp_path / "out", **flags}))
    assert not list(tmp_path.glob("out/seed-*"))


def test_its_report(study, check_report):
    metrics = read_json(study.metrics)
    page = check_report(study.report)
    text = page.inner_text("body")
    pooled = metrics["parts"]["seed-0"]
    assert f"AUROC by patient {format_score(pooled['cell']['auroc_by_patient'])}" in page.inner_text(".summary strong")
    for row in metrics["runs"]:
        assert f"seed {row['seed']}, fold {row['fold']}" in text
    sections = page.evaluate("[...document.querySelectorAll('h2')].map(heading => heading.id)")
    assert sections == [
        *("scores", "folds", "holdout", "performance", "threshold", "patients", "wrong-cells", "reproduce")
    ]
    figures = page.evaluate("[...document.querySelectorAll('figure[data-file]')].map(one => one.dataset.file)")
    assert {"histories.svg", "confusion-matrix.svg", "calibration.svg", "patients.svg", "roc.svg"} <= set(figures)
    assert "python -m leukemia_tf.crossval --base scratch" in text


def test_it_is_written_again_with_what_a_paper_needs(study, tmp_path):
    before = study.metrics.read_bytes(), study.predictions("seed-0").read_bytes()
    study.report.unlink()
    metrics = evaluate(EvaluateConfig(study.path, paper=tmp_path / "paper"))
    assert study.report.is_file()
    assert (study.metrics.read_bytes(), study.predictions("seed-0").read_bytes()) == before
    sentence = (tmp_path / "paper" / "methods.txt").read_text()
    assert "2-fold cross-validation by patient" in sentence
    assert count_text(metrics["parts"]["seed-0"]) in sentence
    assert {"folds.csv", "folds.tex", "roc.pdf", "roc.svg", "roc.png"} <= {
        path.name for path in (tmp_path / "paper").iterdir()
    }
    for changed in ({"threshold": "0.3"}, {"tta": "dihedral"}):
        with pytest.raises(ArgumentError, match="keeps that of its folds"):
            evaluate(EvaluateConfig(study.path, **changed))
