"""The public door, as a notebook uses it: names, objects of the caller's own, arrays, and what bad objects get."""

import doctest
import importlib
import logging
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import leukemia_tf
from leukemia_tf.config import EvaluateConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError, RunError, UserError
from leukemia_tf.evaluate import evaluate
from leukemia_tf.train import train
from leukemia_tf.training.objects import TrainingObjects

ROOT = Path(__file__).resolve().parents[1]
DOOR = (
    *("leukemia_tf.core.errors", "leukemia_tf.cli", "leukemia_tf.data.loading", "leukemia_tf.training.build"),
    "leukemia_tf.inference.predictor",
)


@pytest.mark.parametrize("name", DOOR)
def test_examples_of_docstrings_run(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0, capsys.readouterr().out
    assert result.attempted


def test_import_is_light_and_registers_the_layers(tiny_run):
    script = (
        "import sys, leukemia_tf\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'cv2'} & sys.modules.keys()\n"
        "assert {'load_model', 'build_model', 'load_cells', 'Run', 'Predictor', 'heat_map', 'TrainConfig'}"
        " <= set(dir(leukemia_tf))\n"
        f"import keras; print(keras.saving.load_model({str(tiny_run.model)!r}).name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "scratch"


def test_every_name_of_the_door_resolves():
    for name in leukemia_tf.__all__:
        assert getattr(leukemia_tf, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'load_modell'"):
        _ = leukemia_tf.load_modell


def test_a_run_in_records(tiny_run):
    run = leukemia_tf.Run(tiny_run.path)
    assert run.metrics["parts"]["test"]["cells"] == len(run.predictions("test"))
    assert all(isinstance(row["probability"], float) for row in run.predictions("val"))
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert "test AUROC by patient" in repr(run)
    assert {row["split"] for row in run.cells} == {"train", "val", "test"}
    assert run.figures
    assert run.figures[0]._repr_png_().startswith(b"\x89PNG")
    assert "data:image/png" in run.figures._repr_html_()
    assert leukemia_tf.Run(run).path == run.path


SMALL = {"base": "scratch", "framing": "cell", "stain_normalization": "none", "image_size": 60, "batch_size": 8}


class Counter(keras.callbacks.Callback):
    """Counts what it is called with, and stops the training after two epochs."""

    def __init__(self):
        super().__init__()
        self.calls, self.logs, self.rates = [], [], []

    def on_train_begin(self, logs=None):
        self.calls.append("train_begin")

    def on_train_end(self, logs=None):
        self.calls.append("train_end")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch_begin {epoch}")

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch_end {epoch}")
        self.logs.append(logs)
        self.model.stop_training = epoch == 1


def test_objects_of_the_callers_own(tiny_cells, tmp_path, caplog):
    counter, seen = Counter(), []

    def head(features):
        return keras.layers.Dense(7, activation="gelu", name="mine")(features)

    def augmentation(cells):
        seen.append(cells.shape)
        return cells

    class Slow(keras.optimizers.SGD):
        steps = 0

        def apply(self, grads, trainable_variables=None):
            Slow.steps += 1
            return super().apply(grads, trainable_variables)

    def loss(labels, logits):
        return keras.losses.binary_crossentropy(labels, logits, from_logits=True)

    run = train(
        TrainConfig(**SMALL, data=tiny_cells, out=tmp_path / "run", epochs=5, lr=1e-3, schedule="constant"),
        optimizer=Slow(0.7),
        loss=loss,
        metrics=[keras.metrics.Recall(name="recall")],
        callbacks=[counter],
        head=head,
        augmentation=augmentation,
    )
    assert counter.calls == [
        *("train_begin", "epoch_begin 0", "epoch_end 0", "epoch_begin 1", "epoch_end 1", "train_end"),
    ]
    assert Slow.steps > 0
    assert seen
    assert set(counter.rates) == {np.float32(1e-3)}  # the stage's rate, not the optimizer's
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert 0 <= run.history[-1]["val_recall"] <= 1
    assert counter.logs[-1]["val_recall"] == pytest.approx(run.history[-1]["val_recall"])
    assert keras.saving.load_model(run.path / "model.keras").get_layer("mine").units == 7
    assert run.config["objects"]["optimizer"] == ["Slow"]
    assert "exact resume is off" in caplog.text
    with pytest.raises(RunError, match="was started with optimizer=Slow"):
        TrainingObjects().check_resumable(run.folder)


@pytest.mark.slow
def test_callbacks_of_keras_set_the_rate_and_stop(tiny_cells, tmp_path):
    callbacks = [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-3 / (epoch + 1)),
        keras.callbacks.EarlyStopping(monitor="loss", patience=0, mode="max"),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")),
    ]
    config = TrainConfig(**SMALL, data=tiny_cells, out=tmp_path / "run", epochs=4, patience=9, schedule="constant")
    run = train(config, callbacks=callbacks)
    rates = [row["learning_rate"] for row in run.history]
    assert rates == pytest.approx([1e-3 / (epoch + 1) for epoch in range(len(rates))])
    assert len(rates) < 4
    assert (tmp_path / "1.keras").is_file()
    assert keras.saving.load_model(tmp_path / "1.keras").name == "scratch"


def test_without_objects_nothing_changes(tiny_run, tiny_cells, tmp_path):
    settings = {**tiny_run.read_config()["asked"], "out": tmp_path / "run"}
    run = train(TrainConfig(**settings))
    assert (run.path / "history.csv").read_text().splitlines()[0] == tiny_run.history.read_text().splitlines()[0]
    assert run.predictions("test") == leukemia_tf.Run(tiny_run.path).predictions("test")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"optimizer": "adam"}, "`optimizer`: it takes a keras.optimizers.Optimizer. Received: optimizer='adam'"),
        ({"optimizer": logging.getLogger()}, "Received: optimizer=an object of logging.RootLogger"),
        ({"metrics": keras.metrics.AUC()}, "`metrics`: it takes a list of keras.metrics"),
        ({"metrics": ["auc"]}, "Received: metrics='auc'"),
        ({"metrics": [keras.metrics.AUC(name="auroc")]}, "history.csv has a column of this name"),
        ({"callbacks": [print]}, "`callbacks`: it takes a list of keras.callbacks. Received: callbacks=builtins.print"),
        ({"loss": "mse"}, "`loss`: it takes a function. Received: loss='mse'"),
        ({"augmentation": np.zeros(3)}, "`augmentation`: it takes a function"),
    ],
)
def test_foreign_objects_get_a_sentence(arguments, sentence, tiny_cells, tmp_path):
    with pytest.raises(ArgumentError) as error:
        train(TrainConfig(**SMALL, data=tiny_cells, out=tmp_path / "run"), **arguments)
    assert sentence in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"optimizer": keras.optimizers.Adam()}, "`optimizer`: it takes text"),
        ({"base": np.zeros((2, 3))}, "Received: base=an array of float64 [2, 3]"),
        ({"epochs": "5"}, "`epochs`: it takes a whole number. Received: epochs='5'"),
        ({"lr": "fast"}, "`lr`: it takes a number or 'auto'"),
        ({"resume": "yes"}, "`resume`: it takes True or False"),
        ({"seed": 1.5}, "`seed`: it takes a whole number"),
        ({"augment": 3}, "`augment`: it takes an Augmentation"),
    ],
)
def test_settings_of_another_kind_get_a_sentence(settings, sentence):
    with pytest.raises(UserError) as error:
        TrainConfig(**settings)
    assert sentence in str(error.value)


def test_cells_for_keras(tiny_cells):
    cells = leukemia_tf.load_cells(tiny_cells, image_size=32)
    images, labels, patients = cells.arrays("train")
    assert images.shape == (len(labels), 32, 32, 3)
    assert not set(patients) & set(cells.arrays("test")[2])
    model = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    model.fit(cells.dataset("train"), validation_data=cells.dataset("val"), verbose=0)
    assert {row["split"] for row in cells.table} == {"train", "val", "test"}
    assert "patients shared" in repr(cells)
    with pytest.raises(ArgumentError, match="`part`: choose one of train, val, test"):
        cells.arrays("training")


def test_evaluate_returns_what_metrics_hold(tiny_run):
    metrics, stored = evaluate(EvaluateConfig(run=tiny_run.path)), leukemia_tf.Run(tiny_run.path).metrics
    assert metrics["decision"] == stored["decision"]
    scores = metrics["parts"]["test"]["cell"]
    assert scores["auroc"]["value"] == stored["parts"]["test"]["cell"]["auroc"]["value"]
