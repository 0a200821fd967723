"""The commands, as a user types them: help, answers, and bad input told in a sentence with exit code 2."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from leukemia_tf.__main__ import COMMANDS
from leukemia_tf.assemble import sampling_of
from leukemia_tf.config import (
    Augmentation,
    EvaluateConfig,
    PredictConfig,
    PreviewConfig,
    TrainConfig,
)
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.errors import DataError, RunError, UserError, WeightsError
from leukemia_tf.evaluate import evaluate
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import arrays, read_predictions
from leukemia_tf.files import read_csv, write_json
from leukemia_tf.models.head import HEADS
from leukemia_tf.models.table import ARCHITECTURES
from leukemia_tf.predict import predict
from leukemia_tf.preview import preview
from leukemia_tf.run import newest_run, open_run
from leukemia_tf.train import train

ROOT = Path(__file__).resolve().parent.parent


def test_the_table_of_commands(tmp_path, run_module):
    shown = run_module("", cwd=tmp_path).stdout
    assert all(f"leukemia_tf.{name}" in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name, tmp_path):
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['x', '--help']\n"
        "try:\n"
        f"    runpy.run_module('leukemia_tf.{name}', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'cv2', 'numpy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Example: python -m leukemia_tf." in done.stdout
    if name == "train":
        assert "leukemia_tf.models" in done.stdout
        assert all(head in done.stdout for head in HEADS)


def test_the_table_of_networks(tmp_path, run_module):
    records = json.loads(run_module(".models", "--json", cwd=tmp_path).stdout)
    assert [record["name"] for record in records] == list(ARCHITECTURES)
    found = {record["name"]: (record["parameters"], record["parameters_truncated"]) for record in records}
    assert found["resnet50"] == (23_587_712, 8_589_184)
    assert found["vgg16"] == (14_714_688, 7_635_264)
    shown = run_module(".models", cwd=tmp_path, LEUKEMIA_TF_WEIGHTS=str(tmp_path), KERAS_HOME=str(tmp_path)).stdout
    rows = {line.split()[0]: line for line in shown.splitlines()[1:] if line}
    assert all(name in rows for name in ARCHITECTURES)
    assert "download" in rows["resnet50"]
    assert "convert" in rows["resnet18"]
    (tmp_path / "resnet18.weights.h5").touch()
    shown = run_module(".models", cwd=tmp_path, LEUKEMIA_TF_WEIGHTS=str(tmp_path)).stdout
    assert "here" in next(line for line in shown.splitlines() if line.startswith("resnet18"))


def test_run_folder(tiny_run):
    names = {path.name for path in tiny_run.path.iterdir()}
    assert names == {
        *("config.json", "environment.json", "cells.csv", "splits.json", "history.csv", "model.keras"),
        "batches.csv",
        *("predictions-val.csv", "predictions-test.csv", "metrics.json", "figures", "report.html", "MODEL_CARD.md"),
    }
    assert {path.stem for path in tiny_run.figures.iterdir()} == {
        *("learning-curves", "confusion-matrix", "roc", "precision-recall", "calibration", "patients"),
    }
    with tiny_run.history.open() as stream:
        columns = next(csv.reader(stream))
    assert columns[:8] == ["stage", "epoch", "learning_rate", "image_size", "loss", "val_loss", "val_auroc", "seconds"]
    settings = tiny_run.read_config()
    assert settings["train"]["seed"] == 0
    assert settings["weights"]["source"] == "random"


def test_metrics_follow_from_the_predictions(tiny_run):
    from sklearn.metrics import roc_auc_score

    metrics = json.loads(tiny_run.metrics.read_text())
    assert metrics["protocol"] == "patient"
    for part in ("val", "test"):
        labels, probabilities, patients = arrays(read_predictions(tiny_run.predictions(part)))
        cell = metrics["parts"][part]["cell"]
        assert set(cell) == set(METRICS)
        assert cell["auroc"]["value"] == pytest.approx(roc_auc_score(labels, probabilities))
        assert sum(metrics["parts"][part]["patients"].values()) == len(set(patients))


def test_evaluate_again_gives_the_same(tiny_run):
    before = tiny_run.metrics.read_bytes(), tiny_run.predictions("test").read_bytes()
    evaluate(EvaluateConfig(run=tiny_run.path))
    assert (tiny_run.metrics.read_bytes(), tiny_run.predictions("test").read_bytes()) == before


def test_evaluate_by_another_threshold_and_more_views(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    before = read_predictions(run.predictions("val"))
    metrics = evaluate(EvaluateConfig(run=run.path, threshold="sensitivity:0.9"))
    decision = metrics["decision"]
    rows = read_predictions(run.predictions("val"))
    assert [row.logit for row in rows] == [row.logit for row in before]
    for row in rows:
        assert row.probability == pytest.approx(1 / (1 + np.exp(-row.logit / decision["temperature"])), abs=1e-6)
        assert row.prediction == ("all" if row.probability >= decision["threshold"] else "hem")
    leukemic = [row.prediction == "all" for row in rows if row.label == "all"]
    assert np.mean(leukemic) >= 0.9
    (said,) = predict(PredictConfig(images=tiny_run.data / rows[0].path, run=run.path))
    assert said.probability == pytest.approx(1 / (1 + np.exp(-said.logit / decision["temperature"])), abs=1e-6)
    assert evaluate(EvaluateConfig(run=run.path, tta="dihedral"))["decision"] == decision
    turned = read_predictions(run.predictions("val"))
    assert {row.view for row in turned} == {"dihedral"}
    assert [row.logit for row in turned] != [row.logit for row in rows]
    with pytest.raises(UserError, match="--tta beside --threshold"):
        evaluate(EvaluateConfig(run=run.path, threshold="0.4", tta="dihedral"))
    with pytest.raises(UserError, match="--threshold many"):
        evaluate(EvaluateConfig(run=run.path, threshold="many"))


def test_evaluate_on_cells_from_elsewhere(tiny_run, tiny_cells, tmp_path, caplog):
    other = tmp_path / "other"
    for number, path in enumerate(sorted(tiny_cells.rglob("*.bmp"))):
        target = other / ("all" if path.stem.endswith("_all") else "hem") / f"P{number % 4}" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(target), cv2.imread(str(path))[::-1])
    metrics = evaluate(EvaluateConfig(run=tiny_run.path, data=other))
    out = tiny_run.elsewhere("other")
    rows = read_predictions(out.predictions("test"))
    assert len(rows) == metrics["parts"]["test"]["cells"] == len(list(tiny_cells.rglob("*.bmp")))
    assert metrics["protocol"] == "external"
    assert metrics["decision"] == json.loads(tiny_run.metrics.read_text())["decision"]
    assert out.figure("roc").is_file()
    seen = next(cell for cell in read_cells(tiny_run.cells) if cell.split == "train")
    (other / "all" / "P0" / "copy.bmp").write_bytes((tiny_cells / seen.path).read_bytes())
    with pytest.raises(DataError, match=r"copy\.bmp is .* which .* was trained on or chosen by"):
        evaluate(EvaluateConfig(run=tiny_run.path, data=other))
    shutil.rmtree(out.path)


def test_evaluate_notices_other_pictures(tiny_run, tmp_path):
    from leukemia_tf.data.synthetic import write_phantoms

    other = write_phantoms(tmp_path / "other", patients=4, cells=5, seed=4, side=120)
    with pytest.raises(DataError, match="other"):
        evaluate(EvaluateConfig(run=tiny_run.path, data=other))


def test_predict_equals_evaluate(tiny_run, tiny_cells):
    wanted = read_predictions(tiny_run.predictions("test"))
    got = predict(PredictConfig(images=tuple(tiny_cells / row.path for row in wanted), run=tiny_run.path))
    assert [row.patient for row in got] == [row.patient for row in wanted]
    np.testing.assert_allclose([row.logit for row in got], [row.logit for row in wanted], rtol=1e-5, atol=1e-6)


def test_predict_names_each_bad_image_and_answers_the_rest(tiny_run, tiny_cells, tmp_path, run_module):
    good = next(tiny_cells.rglob("*_all.bmp"))
    short, text = tmp_path / "short.bmp", tmp_path / "text.png"
    short.write_bytes(good.read_bytes()[:-1])
    text.write_text("text")
    done = run_module(".predict", good, short, text, "gone.bmp", "--run", tiny_run.path, "--out", "a.csv", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    with (tmp_path / "a.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        "path",
        "patient",
        "label",
        "logit",
        "probability",
        "prediction",
        "status",
        "reason",
        "view",
    ]
    assert [row["path"] for row in rows] == [str(good), str(short), str(text), "gone.bmp"]
    assert [row["status"] for row in rows] == ["ok", "unreadable", "unreadable", "unreadable"]
    assert rows[0]["label"] == "all"
    for row, reason in zip(rows[1:], ("truncated", "not an image", "No such file"), strict=True):
        assert reason in row["reason"]
        assert row["probability"] == ""


def bad_cell(folder):
    path = next(folder.rglob("*_hem.bmp"))
    path.write_bytes(path.read_bytes()[:-1])


def few_patients(folder):
    for path in folder.rglob("UID_H*"):
        if not path.name.startswith(("UID_H1_", "UID_H2_")):
            path.unlink()


@pytest.mark.parametrize(
    ("spoil", "config", "sentence"),
    [
        (lambda folder: bad_cell(folder), {}, r"_hem\.bmp: is truncated"),
        (lambda folder: few_patients(folder), {}, "too few patients to split: `hem` has 2"),
        (None, {"base": "resnet5"}, "--base resnet5: no such network; did you mean resnet50"),
        (None, {"split": "by-image"}, "It takes `patient`, .* or a splits.json"),
        (None, {"weights": "gone.h5"}, "--weights gone.h5: no such file"),
        (None, {"epochs": 0}, "--epochs 0: it takes a number of 1 or more"),
        (None, {"patience": 0}, "--patience 0"),
        (None, {"stages": "progresive"}, "--stages progresive: no such preset; did you mean progressive"),
        (None, {"stages": '[{"learning": 5}]'}, "learning 5: it takes 0 to 4"),
        (None, {"schedule": "cosin"}, "--schedule cosin: no such schedule; did you mean cosine"),
        (None, {"optimizer": "adm"}, "--optimizer adm: did you mean adam"),
        (None, {"lr": -1.0}, "--lr -1"),
        (None, {"sizes": "60x1,120x1"}, "a head that flattens has other weights at each size"),
        (None, {"sizes": "20x1,60x1", "pooling": "mean"}, "--image-size 20: scratch up to block4_pool needs 60 pixels"),
        (None, {"sizes": "60x1", "image_size": 90}, "the last size is the run's"),
        (None, {"precision": "half"}, "--precision half"),
        (None, {"devices": "0"}, "--devices 0"),
        (None, {"image_size": 20}, "--image-size 20: scratch up to block4_pool needs 60 pixels"),
    ],
)
def test_bad_input_writes_nothing(tiny_cells, tmp_path, spoil, config, sentence):
    import shutil

    data = shutil.copytree(tiny_cells, tmp_path / "data")
    if spoil:
        spoil(data)
    out = tmp_path / "run"
    with pytest.raises(UserError, match=sentence):
        train(TrainConfig(**({"base": "scratch", "data": data, "out": out} | config)))
    assert not out.exists()


def test_no_imagenet_weights_stop_on_real_data_and_are_said_on_the_embedded(tiny_cells, tmp_path, monkeypatch, caplog):
    import keras

    from leukemia_tf.data import source

    def offline(*_, **__):
        raise Exception("no network")  # as Keras raises it

    monkeypatch.setattr(keras.utils, "get_file", offline)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    config = TrainConfig(base="mobilenetv2", drop_last_block=True, image_size=32, epochs=1, out=tmp_path / "run")
    with pytest.raises(WeightsError, match="cannot be had"):
        train(TrainConfig(**{**vars(config), "data": tiny_cells}))
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(source, "embedded_cells", lambda: tiny_cells)
    run = train(config)
    assert "WARNING: training starts from RANDOM weights" in caplog.text
    assert run.read_config()["weights"] == {"asked": "imagenet", "source": "random"}


def test_a_sentence_and_exit_code_2(tmp_path, run_module):
    done = run_module(".train", "--data", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "nowhere: no such folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert run_module(".train", "--image-size", "big", cwd=tmp_path).returncode == 2
    done = run_module(".train", "--augment.zoom", "0.5", "3", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--augment.zoom 0.5 3.0: it takes a probability" in done.stderr


def test_run_folders_that_cannot_be_used(tiny_run, tiny_cells, tmp_path):
    with pytest.raises(RunError, match="no trained run"):
        newest_run(tmp_path)
    with pytest.raises(RunError, match="not a run folder"):
        open_run(tmp_path)
    write_json(tmp_path / "config.json", {"format": 99})
    with pytest.raises(RunError, match="a run of another version: its format is 99"):
        open_run(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match="not a run's settings"):
        open_run(tmp_path)
    with pytest.raises(RunError, match="is there already"):
        train(TrainConfig(base="scratch", data=tiny_cells, out=tiny_run.path))


@pytest.mark.parametrize("flags", [{}, {"augmentations": True}])
def test_preview(tiny_cells, tmp_path, flags):
    image = tmp_path / "cell.bmp"
    image.write_bytes(next(tiny_cells.rglob("*.bmp")).read_bytes())
    drawn = cv2.imread(str(preview(PreviewConfig(image, **flags))))
    assert drawn.std() > 10
    assert [path.name for path in tmp_path.iterdir() if path != image] == ["cell-preview.png"]
    with pytest.raises(UserError, match="--framing boxed"):
        preview(PreviewConfig(image, framing="boxed"))


def test_a_run_without_the_bad_images(tiny_cells, tmp_path):
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


def test_a_split_by_image_is_marked(tiny_cells, tmp_path, caplog):
    config = TrainConfig(base="scratch", data=tiny_cells, image_size=60, epochs=1, split="image", out=tmp_path / "run")
    metrics = json.loads(train(config).metrics.read_text())
    assert metrics["protocol"] == "image"
    assert "patients leak" in metrics["caution"]
    assert caplog.text.count("CAUTION: split by image") == 1
    assert "every score will be too high" in caplog.text


def test_a_split_without_patients_for_validation(tiny_cells, tmp_path, caplog):
    parts = {"train": ["1", "2", "3", "H1", "H2", "H3"], "val": [], "test": ["4", "H4"]}
    write_json(tmp_path / "split.json", {"protocol": "file", "seed": 0, **parts})
    config = TrainConfig(base="scratch", data=tiny_cells, image_size=60, epochs=3, patience=1, out=tmp_path / "run")
    run = train(replace(config, split=str(tmp_path / "split.json"), threshold="0.3"))
    assert "lacks all and hem: no temperature" in caplog.text
    assert json.loads(run.metrics.read_text())["decision"] == {"temperature": 1.0, "threshold": 0.3}
    assert "no patient for validation" in caplog.text
    assert [(row["val_loss"], row["best"]) for row in read_csv(run.history)] == [("", "1")] * 3
    assert list(json.loads(run.metrics.read_text())["parts"]) == ["test"]
    before = run.metrics.read_text()
    evaluate(EvaluateConfig(run=run.path))
    assert run.metrics.read_text() == before


@pytest.mark.parametrize(
    ("base", "weights", "asked", "turned"),
    [
        ("resnet50", "imagenet", None, False),
        ("resnet50", "none", None, True),
        ("scratch", "imagenet", None, True),
        ("resnet50", "imagenet", True, True),
        ("scratch", "imagenet", False, False),
    ],
)
def test_cells_are_turned_unless_a_layer_starts_from_imagenet(base, weights, asked, turned):
    config = TrainConfig(base=base, weights=weights, augment=Augmentation(dihedral=asked))
    assert sampling_of(config).augment.dihedral is turned
