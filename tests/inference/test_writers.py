"""What `predict` writes: JSON lines, the challenge's submission, a table of the patients; and file patterns."""

import csv
import io
import json
import logging

import pytest

from leukemia_tf.config import PredictConfig
from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.splits import read_split
from leukemia_tf.evaluation.predictions import COLUMNS, UNLIKE, Prediction
from leukemia_tf.inference.writers import PatientTally, write_submission
from leukemia_tf.workflows.predict import predict, predict_command


def rows(*pairs):
    return [Prediction(path, label=label, probability=0.5, prediction=label) for path, label in pairs]


def test_json_lines_are_the_csv(tiny_run, tiny_cells, tmp_path, capsys, caplog):
    bad = tmp_path / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    images = (*sorted(tiny_cells.rglob("*_all.bmp"))[:3], bad)
    out = tmp_path / "predictions.jsonl"
    with caplog.at_level(logging.INFO):
        assert predict_command(PredictConfig(images, run=tiny_run.path, out=out)) == 3
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert not list(tmp_path.glob("*.parts"))
    assert "mean probability" in caplog.text
    capsys.readouterr()
    assert predict_command(PredictConfig(images, run=tiny_run.path, json=True)) == 3
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == lines
    assert predict_command(PredictConfig(images, run=tiny_run.path)) == 3
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(table) == len(lines) == 4
    for row, line in zip(table, lines, strict=True):
        assert tuple(row) == tuple(line) == COLUMNS
        for name in COLUMNS:
            if name in ("logit", "probability") and row[name]:
                assert float(row[name]) == pytest.approx(line[name], rel=1e-8)
            else:
                assert row[name] == (line[name] or "")


def test_submission(tmp_path):
    path = write_submission(tmp_path / "form.txt", rows(("b/10.bmp", "all"), ("b/2.bmp", "hem"), ("b/1.bmp", "all")))
    assert path.read_text() == "1\n0\n1\n"


@pytest.mark.parametrize(
    ("predictions", "words"),
    [
        (rows(("1.bmp", "all"), ("UID_1_1_1_all.bmp", "all")), "named like 12.bmp"),
        (rows(("a/1.bmp", "all"), ("b/1.png", "hem")), "another image has this number"),
        (
            [Prediction("3.bmp", status="unreadable", reason="truncated")],
            "3.bmp: truncated; a `submission` needs",
        ),
    ],
)
def test_impossible_submissions(predictions, words, tmp_path):
    with pytest.raises(DataError, match=words):
        write_submission(tmp_path / "form.txt", predictions)
    assert not (tmp_path / "form.txt").exists()


def test_predictions_are_written_where_a_submission_cannot_be(tiny_run, tiny_cells, tmp_path):
    images, out = sorted(tiny_cells.rglob("*.bmp"))[:2], tmp_path / "predictions.csv"
    with pytest.raises(DataError, match="named like"):
        predict(PredictConfig(images, run=tiny_run.path, out=out, submission=tmp_path / "form.txt"))
    assert len(out.read_text().splitlines()) == 3


def test_patients_vote():
    tally = PatientTally()
    for patient, probability in (("7", 0.9), ("7", 0.8), ("7", 0.1), ("H2", 0.2), ("H2", 0.6), ("", 0.5)):
        label = "all" if probability >= 0.5 else "hem"
        tally.add(Prediction("x.bmp", patient, probability=probability, prediction=label))
    assert [line.split() for line in tally.table().splitlines()[1:]] == [
        ["7", "3", "2", "0", "all", "0.600"],
        ["H2", "2", "1", "0", "tie", "0.400"],
    ]
    assert PatientTally().table() == ""


def test_what_is_unlike_training_or_unreadable_does_not_vote():
    tally = PatientTally()
    for patient, probability, status in (
        *(("7", 0.9, UNLIKE), ("7", 0.8, UNLIKE), ("7", 0.2, "ok"), ("7", None, "unreadable")),
        *(("8", 0.9, UNLIKE), ("", 0.9, UNLIKE)),
    ):
        label = "" if probability is None else "all" if probability >= 0.5 else "hem"
        tally.add(Prediction("x.bmp", patient, probability=probability, prediction=label, status=status))
    lines = tally.table().splitlines()
    assert [line.split() for line in lines[1:3]] == [["7", "1", "0", "3", "hem", "0.200"], ["8", "0", "0", "1", "none"]]
    assert lines[-1] == "4 of these patients' cells do not vote: 3 unlike the training cells, 1 unreadable."


def test_patients_of_the_training_are_marked(tiny_run, tiny_cells, tmp_path, caplog):
    split = read_split(tiny_run.splits)
    images = [next(tiny_cells.rglob(f"UID_{part[0]}_1_1_*.bmp")) for part in (split.train, split.val, split.test)]
    with caplog.at_level(logging.INFO):
        predict_command(PredictConfig(images, run=tiny_run.path, out=tmp_path / "predictions.csv"))
    marked = {line.split()[0] for line in caplog.text.splitlines() if line.endswith("(in training)")}
    assert marked == {split.train[0], split.val[0]}
    assert "trained on 2 of these 3 patients" in caplog.text


def test_patterns(tmp_path):
    for name in ("b.bmp", "a.bmp", "c.png", "[1].bmp"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_images([tmp_path / "?.bmp"])] == ["a.bmp", "b.bmp"]
    assert [path.name for path in find_images([tmp_path / "[1].bmp"])] == ["[1].bmp"]  # there is such a file
    with pytest.raises(DataError, match=r"no file matches .*\*\.tif"):
        find_images([tmp_path / "*.tif"])
