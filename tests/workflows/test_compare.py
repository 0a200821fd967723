"""Runs compared: on the same cells or not at all, with differences that follow from their predictions."""

import json
import shutil

import numpy as np
import pytest

from leukemia_tf.config import CompareConfig
from leukemia_tf.core.errors import DataError, RunError, UserError
from leukemia_tf.core.files import read_csv, write_csv
from leukemia_tf.evaluation.predictions import arrays, read_predictions
from leukemia_tf.reporting.error_analysis import by_patient, misclassified, only_right
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.compare import compare


@pytest.fixture
def other_run(tiny_run, tmp_path):
    """A run that predicts the opposite."""
    shutil.copytree(tiny_run, tmp_path / "opposite")
    run = RunFolder(tmp_path / "opposite")
    rows = read_csv(run.predictions("test"))
    for row in rows:
        row["probability"] = str(1 - float(row["probability"]))
        row["prediction"] = {"all": "hem", "hem": "all"}[row["prediction"]]
    write_csv(run.predictions("test"), list(rows[0]), rows)
    run.write_metrics(run.read_metrics())
    return run


def test_compare(tiny_run, other_run, tmp_path):
    comparison = compare(CompareConfig((tiny_run.path, other_run.path), out=tmp_path / "out"))
    labels, probabilities, _ = arrays(read_predictions(tiny_run.predictions("test")))
    right = int(((probabilities >= 0.5) == labels).sum())
    assert comparison["wrong_by"] == {"0": 0, "1": len(labels), "2": 0}
    assert comparison["only_right"] == {"tiny": right, "opposite": len(labels) - right}
    assert comparison["patients"] == len(comparison["by_patient"]) == 2
    assert sum(row["cells"] for row in comparison["by_patient"]) == comparison["cells"] == len(labels)
    gain = comparison["runs"]["opposite"]["more_than_first"]
    assert gain["accuracy"]["value"] == pytest.approx(1 - 2 * right / len(labels))
    first = comparison["runs"]["tiny"]
    assert gain["auroc"]["value"] == pytest.approx(1 - 2 * first["auroc"]["value"])
    assert first["more_than_first"]["auroc"]["value"] == 0
    assert first["parameters"] == tiny_run.read_config()["network"]["parameters"]
    assert first["seconds"] == pytest.approx(sum(float(row["seconds"]) for row in read_csv(tiny_run.history)))
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["wrong_by"] == comparison["wrong_by"]
    wrong_cells = comparison["wrong_cells"][0]
    assert (wrong_cells["wrong_cells"], wrong_cells["right_cells"]) == (0, len(labels)), "no cell is wrong by both"
    rows = read_csv(tmp_path / "out" / "errors.csv")
    assert [row["wrong"] for row in rows] == ["1"] * len(labels)
    pictures = {path.stem for path in (tmp_path / "out").glob("*.png")}
    assert {"wrong-counts", "histories", "costs"} <= pictures
    assert "all-wrong" not in pictures


def test_galleries_of_cells_that_are_gone(tiny_run, other_run, tmp_path, caplog):
    stale = tmp_path / "out" / "only-right-opposite.png"
    stale.parent.mkdir()
    stale.write_bytes(b"of an earlier comparison")
    gone = tmp_path / "gone"
    shutil.copytree(tiny_run, gone)
    for run in (other_run, RunFolder(gone)):
        settings = run.read_config()
        settings["data"]["folder"] = str(tmp_path / "moved")
        run.config.write_text(json.dumps(settings))
    compare(CompareConfig((gone, other_run.path), out=tmp_path / "out"))
    assert "no galleries and no measures: the cells are no longer in" in caplog.text
    assert not list(stale.parent.glob("only-right-*"))
    assert "wrong_cells" not in json.loads((tmp_path / "out" / "compare.json").read_text())
    assert (stale.parent / "wrong-counts.png").is_file()
    compare(CompareConfig((tiny_run.path, other_run.path), out=tmp_path / "out"))  # one folder that has them suffices
    assert stale.is_file()


def test_runs_over_other_cells_are_refused(tiny_run, other_run, tmp_path):
    path = other_run.predictions("test")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    other_run.write_metrics(other_run.read_metrics())
    with pytest.raises(
        RunError, match="not evaluated on the same cells: 1 are only in the first and 0 only in the second"
    ):
        compare(CompareConfig((tiny_run.path, other_run.path), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="two or more"):
        compare(CompareConfig((tiny_run.path,)))
    other_run.metrics.unlink()
    with pytest.raises(RunError, match="has no predictions on test patients"):
        compare(CompareConfig((tiny_run.path, other_run.path)))


def test_who_is_wrong_by_hand():
    labels, patients = np.array([1, 1, 0, 0]), np.array(["a", "a", "H", "H"])
    wrong = misclassified(labels, np.array([[1, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1]]))
    assert wrong.sum(0).tolist() == [2, 3, 1, 3]
    assert [cells.tolist() for cells in only_right(wrong)] == [[0], [], []]
    worst, other = by_patient(labels, patients, wrong)
    assert worst == {"patient": "a", "label": 1, "cells": 2, "wrong": [1, 2, 2], "all_wrong": 1}
    assert (other["patient"], other["wrong"], other["all_wrong"]) == ("H", [1, 1, 2], 1)


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("probability", "nan", "line 2: probability is 'nan', not a number"),
        ("logit", "much", "line 2: logit is 'much', not a number"),
        ("probability", "", "line 2: there is no probability"),
        ("patient", "P99", "line 2: no such patient as 'P99'"),
        ("label", "", "line 2: the label is ''"),
        ("prediction", None, "line 2: no prediction, so this is not a table of predictions"),
    ],
)
def test_predictions_that_cannot_be_scored(tiny_run, other_run, tmp_path, column, value, sentence):
    path = other_run.predictions("test")
    rows = read_csv(path)
    rows[0][column] = value
    columns = [name for name in rows[0] if rows[0][name] is not None]
    write_csv(path, columns, [{name: row[name] for name in columns} for row in rows])
    with pytest.raises(DataError, match=sentence):
        compare(CompareConfig((tiny_run.path, other_run.path), out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
