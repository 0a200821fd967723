"""A run that validates on inner folds: who is predicted by whom, what is written, resumed, refused and combined."""

import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.config import EnsembleConfig, EvaluateConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.core.files import read_csv, read_json, write_json
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.splits import read_split
from leukemia_tf.evaluation.predictions import arrays, read_predictions
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.train import train

STAGES = '[{"learning": 0, "epochs": 3, "schedule": "cosine"}, {"learning": 1, "epochs": 1}]'


@pytest.fixture(scope="module")
def settings(tiny_cells, tiny_run):
    """Of a run whose base has weights, so that its first stage trains the head alone."""
    shown = {"framing": "cell", "image_size": 60, "head": "linear-no-dropout", "batch_size": 8}
    return {"base": "scratch", "weights": str(tiny_run.model), "data": tiny_cells, "stages": STAGES, **shown}


@pytest.fixture(scope="module")
def run(settings, tmp_path_factory):
    return train(TrainConfig(**settings, out=tmp_path_factory.mktemp("inner") / "run"))


def test_the_folds_part_the_training_patients(run, tiny_run):
    split, plain = read_split(run.splits), read_split(tiny_run.splits)
    assert split.val == ()
    assert split.test == plain.test
    assert sorted(split.train) == sorted(plain.train + plain.val)
    assert sorted(name for fold in split.folds for name in fold) == sorted(split.train)
    assert len(split.folds) == 3  # of five: there are three training patients of a class
    labels = {cell.patient: cell.label for cell in read_cells(run.cells)}
    assert all({labels[name] for name in fold} == {"all", "hem"} for fold in split.folds)


def test_every_training_cell_is_predicted_out_of_fold(run):
    rows, metrics = read_predictions(run.predictions("val")), read_json(run.metrics)
    trained = [cell.path for cell in read_cells(run.cells) if cell.split == "train"]
    assert [row.path for row in rows] == trained
    labels, probabilities, _ = arrays(rows)
    assert metrics["inner_folds"] == 3
    assert metrics["parts"]["val"]["cell"]["auroc"]["value"] == pytest.approx(roc_auc_score(labels, probabilities))
    history = read_csv(run.history)
    assert [bool(row["val_auroc"]) for row in history] == [True, True, True, False]  # of the first stage alone
    logits = np.array([row.logit for row in rows])
    assert float(history[2]["val_auroc"]) == pytest.approx(roc_auc_score(labels, logits))
    assert "out of fold" in run.report.read_text()


def test_the_network_was_trained_on_all_of_them(run):
    """Its own predictions of these cells are not those out of fold."""
    from leukemia_tf.inference.cells import cell_logits

    cells = [cell for cell in read_cells(run.cells) if cell.split == "train"]
    seen = cell_logits(load_network(run.model), run.data, cells, run.read_config()["train"], "none")
    assert np.abs(seen - [row.logit for row in read_predictions(run.predictions("val"))]).max() > 1e-3


def test_evaluating_again_reads_the_predictions_out_of_fold(run):
    before, scores = run.predictions("val").read_bytes(), read_json(run.metrics)["parts"]["val"]
    evaluate(EvaluateConfig(run.path))
    assert read_json(run.metrics)["parts"]["val"] == scores
    assert run.predictions("val").read_bytes() == before


@pytest.mark.slow
def test_killed_in_the_inner_folds_and_after_them_it_ends_with_the_same_bits(run, settings, tmp_path):
    torn = RunFolder(tmp_path / "torn")
    flags = [item for name, value in settings.items() for item in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "leukemia_tf.train", *flags, "--out", str(torn.path)]
    for begun in (torn.config.is_file, torn.out_of_fold.is_file):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not begun() and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not torn.model.exists()
    train(TrainConfig(out=torn.path, resume=True))
    for part in ("val", "test"):
        assert torn.predictions(part).read_bytes() == run.predictions(part).read_bytes()
    assert read_json(torn.splits) == read_json(run.splits)


@pytest.mark.slow
def test_a_users_folds_are_taken_and_his_validation_patients_too(run, settings, tmp_path):
    split = read_json(run.splits)
    folds = [split["train"][::2], split["train"][1::2]]
    with_folds = write_json(tmp_path / "folds.json", {**split, "folds": folds})
    taken = train(TrainConfig(**settings, split=str(with_folds), out=tmp_path / "one"))
    assert [list(fold) for fold in read_split(taken.splits).folds] == folds
    ends = [split["train"][0], split["train"][-1]]  # of either class
    own = {**split, "folds": [], "train": split["train"][1:-1], "val": ends}
    plain = train(TrainConfig(**settings, split=str(write_json(tmp_path / "own.json", own)), out=tmp_path / "two"))
    assert sorted(read_split(plain.splits).val) == sorted(own["val"])
    assert "inner_folds" not in read_json(plain.metrics)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"inner_folds": 1}, ArgumentError, "2 or more, or 0"),
        ({"inner_folds": 3, "keep": "best"}, ArgumentError, "`keep=best` and `patience` need a validation part"),
        ({"inner_folds": 3, "split": "image"}, ArgumentError, "they are of whole patients"),
    ],
)
def test_inner_folds_that_cannot_be(settings, tmp_path, changes, error, sentence):
    with pytest.raises(error, match=sentence):
        train(TrainConfig(**settings, **changes, out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_one_training_patient_of_a_class(settings, run, tmp_path):
    """By default a validation part takes the folds' place; requested, they are refused."""
    split = read_json(run.splits)
    few = [name for name in split["train"] if not name.startswith("H")] + [split["train"][-1]]
    assert few[-1].startswith("H")
    path = str(write_json(tmp_path / "few.json", {**split, "train": few, "folds": []}))
    with pytest.raises(DataError, match="two training patients of each class"):
        train(TrainConfig(**settings, split=path, inner_folds=2, out=tmp_path / "requested"))


@pytest.mark.slow
def test_an_ensembles_validation_is_its_members_out_of_fold(run, settings, tmp_path):
    other = train(TrainConfig(**{**settings, "head": "linear"}, out=tmp_path / "other"))
    both = ensemble(EnsembleConfig((run.path, other.path), out=tmp_path / "both"))
    members = [arrays(read_predictions(member.predictions("val")))[1] for member in (run, other)]
    logits = [row.logit for row in read_predictions(both.predictions("val"))]
    np.testing.assert_allclose(1 / (1 + np.exp(-np.array(logits))), np.mean(members, axis=0), atol=1e-6)


@pytest.mark.slow
def test_refit_trains_on_all_patients_without_folds(run, tmp_path):
    refit = train(TrainConfig(refit=run.path, out=tmp_path / "refit"))
    split = read_split(refit.splits)
    assert split.folds == split.val == split.test == ()
    assert len(split.train) == len(read_split(run.splits).train) + len(read_split(run.splits).test)


@pytest.mark.slow
def test_without_inner_folds_patients_validate(settings, tmp_path):
    plain = train(replace(TrainConfig(**settings), inner_folds=0, out=tmp_path / "run"))
    split = read_split(plain.splits)
    assert split.val
    assert not split.folds
