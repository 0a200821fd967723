"""A run folder with one file gone, damaged or of another run: each command does without it, or names the file."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from leukemia_tf.config import (
    CompareConfig,
    EnsembleConfig,
    EvaluateConfig,
    ExportConfig,
    GradcamConfig,
    PredictConfig,
    StressConfig,
    TrainConfig,
)
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.core.files import read_json, write_json
from leukemia_tf.evaluation.predictions import read_predictions, write_predictions
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.compare import compare
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.gradcam import gradcam
from leukemia_tf.workflows.predict import predict, predict_command
from leukemia_tf.workflows.stress import stress
from leukemia_tf.workflows.train import train


@dataclass(frozen=True)
class Place:
    """A harmed run, a sound one beside it, an image, and where results go."""

    run: RunFolder
    sound: RunFolder
    image: Path
    out: Path


COMMANDS = {
    "evaluate": lambda at: evaluate(EvaluateConfig(run=at.run.path)),
    "export": lambda at: export(ExportConfig(run=at.run.path, out=at.out)),
    "ensemble": lambda at: ensemble(EnsembleConfig((at.run.path, at.sound.path), out=at.out)),
    "compare": lambda at: compare(CompareConfig((at.run.path, at.sound.path), out=at.out)),
    "predict": lambda at: predict_command(PredictConfig((at.image,), run=at.run.path, out=at.out / "predictions.csv")),
    "gradcam": lambda at: gradcam(GradcamConfig((at.image,), run=(at.run.path,), out=at.out / "cell.png")),
    "stress": lambda at: stress(StressConfig(at.run.path, cells=2)),
    "resume": lambda at: train(TrainConfig(out=at.run.path, resume=True)),
    "refit": lambda at: train(TrainConfig(refit=at.run.path, out=at.out / "refit")),
}
TABLES, START = ("cells.csv", "splits.json"), ("config.json", "environment.json")
NEEDS = {  # what each command cannot do without
    "evaluate": ("model.keras", *START, *TABLES, "history.csv"),
    "export": ("model.keras", *START),
    "ensemble": ("model.keras", *START, *TABLES, "history.csv", "metrics.json", "predictions-test.csv"),
    "compare": (*START, "cells.csv", "history.csv", "metrics.json", "predictions-test.csv"),
    "predict": ("model.keras", "splits.json"),
    "gradcam": ("model.keras",),
    "stress": ("model.keras", *START, *TABLES, "history.csv", "metrics.json", "predictions-test.csv"),
    "resume": (*START, *TABLES),
    "refit": ("model.keras", *START, *TABLES, "history.csv", "metrics.json"),
}
SAID = {"metrics.json": "not finished|finish it|delete it|do not belong", "predictions-test.csv": "evaluate"}


@pytest.fixture(scope="module")
def other_run(tiny_cells, tmp_path_factory):
    """Another split and recipe of the same cells."""
    shown = {"framing": "cell", "stain_normalization": "none", "image_size": 60}
    out = tmp_path_factory.mktemp("runs") / "other"
    return train(TrainConfig(base="scratch", data=tiny_cells, out=out, **shown, epochs=1, batch_size=8, seed=1))


@pytest.fixture
def place(tiny_run, tmp_path):
    run = RunFolder(Path(shutil.copytree(tiny_run.path, tmp_path / "run")))
    return Place(run, tiny_run, next(tiny_run.data.rglob("*.bmp")), tmp_path / "out")


def harm(path, how, other_run):
    if how == "missing":
        path.unlink()
    elif how == "damaged":
        path.write_bytes(b"\x93\xff\x00 rubbish\n" * 20)
    else:
        shutil.copy(other_run.path / path.name, path)


@pytest.mark.parametrize("how", ["missing", "damaged", "of another run"])
@pytest.mark.parametrize(("command", "name"), [(command, name) for command in NEEDS for name in NEEDS[command]])
def test_the_file_is_named(command, name, how, place, other_run):
    harm(place.run.path / name, how, other_run)
    before = {path: path.read_bytes() for path in place.run.path.rglob("*") if path.is_file()}
    with pytest.raises(UserError, match=SAID.get(name)) as caught:
        COMMANDS[command](place)
    sentence = str(caught.value)
    assert str(place.run.path) in sentence
    assert name in sentence or how == "missing"
    assert "\n" not in sentence
    assert {path: path.read_bytes() for path in place.run.path.rglob("*") if path.is_file()} == before
    assert not place.out.exists()


def test_predictions_of_another_run_on_the_same_split(place):
    """The cells are the right ones; what the run says of them is not."""
    path, before = place.run.predictions("test"), place.run.predictions("test").read_bytes()
    rows = read_predictions(path)
    write_predictions(path, [replace(row, logit=-row.logit, probability=1 - row.probability) for row in rows])
    for command in ("compare", "ensemble", "stress"):
        with pytest.raises(RunError, match=r"predictions-test.csv and metrics.json do not belong together"):
            COMMANDS[command](place)
    assert not place.out.exists()
    COMMANDS["evaluate"](place)
    assert path.read_bytes() == before


def test_a_prediction_does_without_the_files_of_the_training(place):
    for path in (place.run.cells, place.run.metrics, place.run.history, place.run.environment, place.run.fingerprints):
        path.unlink()
    (row,) = predict(PredictConfig((place.image,), run=place.run.path))
    assert row.status == "ok"


@pytest.mark.slow
def test_a_network_that_was_exchanged_is_scored_once_the_former_scores_are_gone(place, other_run):
    shutil.copy(other_run.model, place.run.model)
    place.run.metrics.unlink()
    scored = evaluate(EvaluateConfig(run=place.run.path))
    assert (
        read_json(place.run.metrics)["files"]["model.keras"] != read_json(place.sound.metrics)["files"]["model.keras"]
    )
    assert scored["parts"] != read_json(place.sound.metrics)["parts"]
    assert export(ExportConfig(run=place.run.path, out=place.out)).is_dir()


def test_a_run_of_before_hashes_were_recorded_still_opens(place):
    for path in (place.run.config, place.run.metrics):
        write_json(path, {key: value for key, value in read_json(path).items() if key != "files"})
    assert compare(CompareConfig((place.run.path, place.sound.path), out=place.out))["cells"]
    place.run.cells.unlink()
    with pytest.raises(RunError, match=f"{place.run.path} lacks cells.csv: restore it"):
        evaluate(EvaluateConfig(run=place.run.path))
