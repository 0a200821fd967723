"""Ensembles of cross-validations: weights that no test cell influences, and what is refused."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.config import EnsembleConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import read_json, write_json
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.folds import FoldTable, write_folds
from leukemia_tf.evaluation.predictions import Prediction, arrays, read_predictions, write_predictions
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.tuning.ensemble_weights import genetic_weights
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.ensemble_folds import nested_weights

FOLDS = 3
rng = np.random.default_rng(0)
CELLS = tuple(
    Cell(f"{patient}-{number}.bmp", "all" if patient % 2 else "hem", str(patient), f"sha-{patient}-{number}")
    for patient in range(18)
    for number in range(6)
)
LABELS = np.array([cell.label == "all" for cell in CELLS]).astype(int)
BY = [int(cell.patient) // 2 % FOLDS for cell in CELLS]


def finished(path, noise, threshold=0.5, by=BY, cells=CELLS):
    """Write what a cross-validation leaves behind: a network whose predictions are right but for `noise`."""
    study = Study(path)
    study.write_config("crossval", asked={}, data={"name": "cells", "same_patients": []})
    write_folds(study.folds, FoldTable(cells, {0: list(by)}))
    logits = (2 * LABELS - 1) + rng.normal(0, noise, len(cells))
    rows = [
        Prediction(cell.path, cell.patient, cell.label, logit, 1 / (1 + np.exp(-logit)), "all" if logit > 0 else "hem")
        for cell, logit in zip(cells, logits.tolist())
    ]
    write_predictions(study.predictions("seed-0"), rows)
    runs = [{"seed": 0, "fold": fold, "run": f"seed-0-fold-{fold}"} for fold in range(FOLDS)]
    for row in runs:
        write_json(study.run(row["run"]).metrics, {"decision": {"threshold": threshold}})
    write_json(study.metrics, {"protocol": "patient", "data": "cells", "runs": runs})
    return path


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("members")
    return finished(folder / "good", 0.8), finished(folder / "fair", 1.2, threshold=0.6), finished(folder / "bad", 4)


@pytest.fixture(scope="module")
def study(members, tmp_path_factory):
    return ensemble(EnsembleConfig(members, out=tmp_path_factory.mktemp("together") / "study"))


def probabilities(members):
    return np.array([arrays(read_predictions(Study(path).predictions("seed-0")))[1] for path in members])


def test_average_vote_and_weighted_average_of_out_of_fold_predictions(study, members):
    values, metrics = probabilities(members), read_json(study.metrics)
    assert arrays(read_predictions(study.predictions("average")))[1] == pytest.approx(values.mean(0))
    votes = (values >= np.array([[0.5], [0.6], [0.5]])).mean(0)
    assert arrays(read_predictions(study.predictions("vote")))[1] == pytest.approx(votes)
    weights = np.array([list(metrics["weights"][str(fold)].values()) for fold in BY])
    assert arrays(read_predictions(study.predictions("genetic")))[1] == pytest.approx((weights * values.T).sum(1))
    assert metrics["parts"]["average"]["cell"]["auroc"]["value"] == pytest.approx(roc_auc_score(LABELS, values.mean(0)))
    difference = metrics["more_than"]["average"]["bad"]["auroc"]
    assert difference["value"] == pytest.approx(
        roc_auc_score(LABELS, values.mean(0)) - roc_auc_score(LABELS, values[2])
    )
    assert difference["low"] > 0
    assert study.figure("wrong-counts").is_file()


def test_a_fold_s_cells_do_not_influence_their_weights(members):
    values, folds = probabilities(members), np.array(BY)
    before = nested_weights(LABELS, values, folds)
    assert before[1] == pytest.approx(genetic_weights(LABELS[folds != 1], values[:, folds != 1]))
    other_labels = np.where(folds == 1, 1 - LABELS, LABELS)
    other_values = np.where(folds == 1, 1 - values, values)
    after = nested_weights(other_labels, other_values, folds)
    assert after[1].tolist() == before[1].tolist()
    assert after[0].tolist() != before[0].tolist()
    assert all(weights.sum() == pytest.approx(1) for weights in before.values())


def test_the_bad_member_has_a_small_weight(study):
    weights = read_json(study.metrics)["weights"].values()
    assert np.mean([of_fold["bad"] for of_fold in weights]) < 1 / 3


def test_other_folds_are_refused(members, tmp_path):
    other = finished(tmp_path / "other", 1.0, by=[(fold + 1) % FOLDS for fold in BY])
    with pytest.raises(RunError, match=r"not drawn into the same folds, as 0-0\.bmp shows"):
        ensemble(EnsembleConfig((members[0], other), out=tmp_path / "out"))
    unfinished = finished(tmp_path / "unfinished", 1.0)
    Study(unfinished).metrics.unlink()
    with pytest.raises(RunError, match="is not finished"):
        ensemble(EnsembleConfig((members[0], unfinished), out=tmp_path / "out"))
    (tmp_path / "kind").mkdir()
    (tmp_path / "kind" / "study.json").write_text(json.dumps({"format": 1, "kind": "tune"}))
    with pytest.raises(RunError, match="`tune`"):
        ensemble(EnsembleConfig((members[0], tmp_path / "kind"), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_its_report(study, check_report):
    metrics = read_json(study.metrics)
    page = check_report(study.report)
    text = page.inner_text("main")
    for name, part in metrics["parts"].items():
        assert name in text
        assert format_score(part["cell"]["auroc_by_patient"]) in text
    assert page.query_selector("#figure-scores img")
