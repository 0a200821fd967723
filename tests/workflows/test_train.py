"""What `train` writes, what it refuses before writing anything, and how it warns."""

import csv
import json
import shutil
import tempfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leukemia_tf.config import Augmentation, EvaluateConfig, TrainConfig
from leukemia_tf.config.recipes import from_recipe
from leukemia_tf.core.errors import UserError, WeightsError
from leukemia_tf.core.files import read_csv, write_json
from leukemia_tf.data import source
from leukemia_tf.data.augmentation import COLOURS, FILES
from leukemia_tf.data.draws import is_on
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import arrays, read_predictions
from leukemia_tf.models.network import load_network
from leukemia_tf.training.setup import build_setup, read_training_cells
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.plan import plan
from leukemia_tf.workflows.train import train


def test_run_folder(tiny_run):
    names = {path.name for path in tiny_run.path.iterdir()}
    assert names == {
        *(
            "config.json",
            "environment.json",
            "cells.csv",
            "splits.json",
            "summary.txt",
            "seconds.json",
            "history.csv",
            "model.keras",
        ),
        *("batches.csv", "fingerprints.npz"),
        *("predictions-val.csv", "predictions-test.csv", "metrics.json", "figures", "report.html", "MODEL_CARD.md"),
    }
    assert {path.stem for path in tiny_run.figures.iterdir()} == {
        *("learning-curves", "confusion-matrix", "roc", "precision-recall", "calibration", "patients"),
        *("histogram", "errors-by-size"),
    }
    with tiny_run.history.open() as stream:
        columns = next(csv.reader(stream))
    assert columns[:8] == ["stage", "epoch", "learning_rate", "image_size", "loss", "val_loss", "val_auroc", "seconds"]
    settings = tiny_run.read_config()
    assert settings["train"]["seed"] == 0
    assert settings["weights"]["source"] == "random"


def test_metrics_follow_from_the_predictions(tiny_run):
    metrics = json.loads(tiny_run.metrics.read_text())
    assert metrics["protocol"] == "patient"
    for part in ("val", "test"):
        labels, probabilities, patients = arrays(read_predictions(tiny_run.predictions(part)))
        cell = metrics["parts"][part]["cell"]
        assert set(cell) == set(METRICS)
        assert cell["auroc"]["value"] == pytest.approx(roc_auc_score(labels, probabilities))
        assert sum(metrics["parts"][part]["patients"].values()) == len(set(patients))


def bad_cell(folder):
    path = next(folder.rglob("*_hem.bmp"))
    path.write_bytes(path.read_bytes()[:-1])


def few_patients(folder):
    for path in folder.rglob("UID_H*"):
        if not path.name.startswith(("UID_H1_", "UID_H7_")):
            path.unlink()


@pytest.mark.parametrize(
    ("spoil", "config", "sentence"),
    [
        (lambda folder: bad_cell(folder), {}, r"_hem\.bmp: is truncated"),
        (lambda folder: few_patients(folder), {}, "too few patients to split: `hem` has 2"),
        (None, {"base": "resnet5"}, "`base`: .*did you mean resnet50"),
        (None, {"split": "by-image"}, r"It takes patient, .* or a splits\.json"),
        (None, {"weights": "gone.h5"}, r"`weights`: no such file.* Received: weights=gone\.h5"),
        (None, {"epochs": 0}, "`epochs`: it takes a number of 1 or more"),
        (None, {"patience": 0}, "Received: patience=0"),
        (None, {"keep": "first"}, "Received: keep='first'"),
        (None, {"stages": "progresive"}, "`stages`: .*did you mean progressive"),
        (None, {"stages": '[{"learning": 5}]'}, "learning takes 0 to 4"),
        (None, {"schedule": "cosin"}, "`schedule`: .*did you mean cosine"),
        (None, {"optimizer": "adm"}, "`optimizer`: did you mean adam"),
        (None, {"lr": -1.0}, "Received: lr=-1"),
        (None, {"sizes": "60x1,120x1"}, "the weights of a head that flattens depend on the size"),
        (None, {"sizes": "20x1,60x1", "pooling": "mean"}, "`image_size`: scratch up to block4_pool needs 60 pixels"),
        (None, {"sizes": "60x1", "image_size": 90}, "`image_size`: the last of `sizes=60x1` is the run's size"),
        (None, {"precision": "half"}, "Received: precision='half'"),
        (None, {"devices": "0"}, "Received: devices='0'"),
        (None, {"image_size": 20}, "`image_size`: scratch up to block4_pool needs 60 pixels"),
    ],
)
def test_bad_input_writes_nothing(tiny_cells, tmp_path, spoil, config, sentence):
    data = shutil.copytree(tiny_cells, tmp_path / "data")
    if spoil:
        spoil(data)
    out = tmp_path / "run"
    with pytest.raises(UserError, match=sentence):
        train(TrainConfig(**({"base": "scratch", "data": data, "out": out} | config)))
    assert not out.exists()


@pytest.mark.slow
def test_without_imagenet_weights_only_the_embedded_cells_are_trained_on(tiny_cells, tmp_path, monkeypatch, caplog):
    def offline(*_, **__):
        raise Exception("no network")  # as Keras raises it

    monkeypatch.setattr(keras.utils, "get_file", offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    config = TrainConfig(base="mobilenetv2", drop_last_block=True, image_size=32, epochs=1, out=tmp_path / "run")
    with pytest.raises(WeightsError, match="cannot be had"):
        train(TrainConfig(**{**vars(config), "data": tiny_cells}))
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(source, "embedded_cells", lambda: tiny_cells)
    blocks = plan(config, build_setup(config, *read_training_cells(config)))[1:]
    assert [len(stage.learning) for stage in blocks] == [1, 2, 3, 4, 5, 6]
    run = train(replace(config, stages="progressive:1"))
    assert "WARNING: RANDOM weights stand in for ImageNet's" in caplog.text
    assert [len(stage["learning"]) for stage in run.read_config()["stages"]] == [0, 1]
    assert run.read_config()["weights"] == {"asked": "imagenet", "source": "random"}


def test_a_run_without_the_bad_images(tiny_cells, tmp_path, monkeypatch):
    converted = tmp_path / "converted"
    converted.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(converted))
    folder = tmp_path / "cells"
    shutil.copytree(tiny_cells, folder)
    bad = next(folder.rglob("UID_2_*_all.bmp"))
    bad.write_bytes(bad.read_bytes()[:-9])
    config = TrainConfig(base="scratch", data=folder, image_size=60, epochs=1, on_bad_image="quarantine")
    run = train(replace(config, out=tmp_path / "run"))
    rejected = json.loads(run.metrics.read_text())["rejected"]
    assert [(row["path"], "truncated" in row["reason"]) for row in rejected] == [(str(bad.relative_to(folder)), True)]
    assert bad.name in run.rejected.read_text()
    assert not bad.exists()
    assert (tmp_path / "cells-quarantine" / bad.relative_to(folder)).is_file()
    assert not list(converted.glob("__autograph*")), "AutoGraph has read the package's functions, which takes seconds"


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["last", "best"])
def test_model_and_scores_are_those_of_the_kept_epoch(tiny_cells, tmp_path, keep, caplog):
    records = [
        {"name": "whole", "learning": "all", "epochs": 1, "learning_rate": 1e-3},
        {"name": "worse", "learning": "all", "epochs": 2, "learning_rate": 0.03},
    ]
    settings = {"base": "scratch", "data": tiny_cells, "image_size": 60, "stages": json.dumps(records)}
    run = train(TrainConfig(**settings, keep=keep, out=tmp_path / "run"))
    first, _, last = read_csv(run.history)
    assert float(last["val_loss"]) > float(first["val_loss"])
    (kept,) = (row for row in read_csv(run.history) if row["kept"] == "1")
    assert kept["epoch"] == {"last": "3", "best": "1"}[keep]
    last_kept, first_kept = "the last epoch, 3 (stage worse, epoch 2 of 2)", "epoch 1 of 3 (stage whole, epoch 1 of 1)"
    assert f"kept: {last_kept if keep == 'last' else first_kept}" in caplog.text
    model = load_network(run.model)
    for part in ("val", "test"):
        rows = read_predictions(run.predictions(part))
        labels, _, _ = arrays(rows)
        logits = np.array([row.logit for row in rows])
        if part == "val":
            losses = np.logaddexp(0, logits) - labels * logits
            assert losses.mean() == pytest.approx(float(kept["val_loss"]), rel=1e-4)
        cell = json.loads(run.metrics.read_text())["parts"][part]["cell"]
        assert cell["auroc"]["value"] == pytest.approx(roc_auc_score(labels, logits))
    assert f"trainable in stage 2, worse: {model.count_params():,}" in run.summary.read_text()
    table = run.card.read_text().partition("Stages:")[2].splitlines()
    planned, *outcomes = (line.split("|")[4:7] for line in table[2:6] if "---" not in line)
    assert [text.strip() for text in planned] == ["planned epochs", "epochs run", "kept epoch"]
    kept_in = {"last": ["none", "2"], "best": ["1", "none"]}[keep]
    assert [[text.strip() for text in row] for row in outcomes] == [["1", "1", kept_in[0]], ["2", "2", kept_in[1]]]


@pytest.mark.slow
def test_a_split_by_image_is_marked(tiny_cells, tmp_path, caplog):
    config = TrainConfig(base="scratch", data=tiny_cells, image_size=60, epochs=1, split="image", out=tmp_path / "run")
    metrics = json.loads(train(config).metrics.read_text())
    assert metrics["protocol"] == "image"
    assert "patients leak" in metrics["caution"]
    assert caplog.text.count("CAUTION: Split by image") == 1
    assert "every score will be too high" in caplog.text


@pytest.mark.slow
def test_a_split_without_patients_for_validation(tiny_cells, tmp_path, caplog):
    parts = {"train": ["1", "2", "3", "H1", "H7", "H8"], "val": [], "test": ["4", "H9"]}
    write_json(tmp_path / "split.json", {"protocol": "file", "seed": 0, **parts})
    config = TrainConfig(base="scratch", data=tiny_cells, image_size=60, epochs=3, patience=1, out=tmp_path / "run")
    run = train(replace(config, keep="best", split=str(tmp_path / "split.json"), threshold="0.3"))
    assert "not calibrated (temperature 1): there are no validation patients" in caplog.text
    decision = json.loads(run.metrics.read_text())["decision"]
    assert (decision["temperature"], decision["threshold"], decision["threshold_low"]) == (1.0, 0.3, None)
    assert "no patient for validation" in caplog.text
    assert [(row["val_loss"], row["kept"]) for row in read_csv(run.history)] == [("", "0"), ("", "0"), ("", "1")]
    assert "the last epoch, 3 (stage whole, epoch 3 of 3); no validation cells" in caplog.text
    assert list(json.loads(run.metrics.read_text())["parts"]) == ["test"]
    before = run.metrics.read_text()
    evaluate(EvaluateConfig(run=run.path))
    assert run.metrics.read_text() == before


def test_what_is_varied_by_default_and_what_a_recipe_leaves_off():
    """A cell has no up, and another lab another camera; a report's recipe varies what the report varied."""
    default, recipe = TrainConfig().augment, from_recipe("resnet50-cut").augment
    assert default.dihedral
    assert {name for name in (*COLOURS, *FILES, "rotation") if is_on(default, name)} == {
        *("rotation", "brightness", "stain", "channel_shift", "blur", "noise", "jpeg")
    }
    assert recipe == Augmentation(dihedral=True)
