"""Predictions of image files: those of `evaluate`, and a reason for each bad image."""

import csv

import cv2
import numpy as np
from smear import WhiteCell, draw_smear

from leukemia_tf.config import PredictConfig
from leukemia_tf.evaluation.predictions import COLUMNS, read_predictions
from leukemia_tf.workflows.predict import predict


def test_predictions_equal_those_of_evaluate(tiny_run, tiny_cells):
    wanted = read_predictions(tiny_run.predictions("test"))
    got = predict(PredictConfig(images=tuple(tiny_cells / row.path for row in wanted), run=tiny_run.path))
    assert [row.patient for row in got] == [row.patient for row in wanted]
    np.testing.assert_allclose([row.logit for row in got], [row.logit for row in wanted], rtol=1e-5, atol=1e-6)


def test_bad_images_are_named_and_the_rest_is_predicted(tiny_run, tiny_cells, tmp_path, run_module):
    good = next(tiny_cells.rglob("*_all.bmp"))
    short, text = tmp_path / "short.bmp", tmp_path / "text.png"
    short.write_bytes(good.read_bytes()[:-1])
    text.write_text("text")
    done = run_module(".predict", good, short, text, "gone.bmp", "--run", tiny_run.path, "--out", "a.csv", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    with (tmp_path / "a.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [row["path"] for row in rows] == [str(good), str(short), str(text), "gone.bmp"]
    assert [row["status"] for row in rows] == ["ok", "unreadable", "unreadable", "unreadable"]
    assert rows[0]["label"] == "all"
    for row, reason in zip(rows[1:], ("truncated", "not an image", "No such file"), strict=True):
        assert reason in row["reason"]
        assert row["probability"] == ""


def test_a_photograph_with_its_background_is_to_be_segmented_first(tiny_run, tiny_cells, tmp_path, run_module):
    cell, photograph = next(tiny_cells.rglob("*_all.bmp")), tmp_path / "field.png"
    cv2.imwrite(str(photograph), draw_smear([WhiteCell(60, 60)], 120, 120)[0][..., ::-1])
    done = run_module(".predict", cell, photograph, "--run", tiny_run.path, "--out", "a.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = read_predictions(tmp_path / "a.csv")
    assert (second.status, "leukemia_tf.segment" in second.reason) == ("unlike-training", True)
    assert "leukemia_tf.segment" not in first.reason
    assert [line for line in done.stderr.splitlines() if "field.png" in line and "segment it first" in line]
