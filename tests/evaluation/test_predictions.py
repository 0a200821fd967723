"""Predictions as files: all digits, older and newer columns, and files that cannot be read."""

from pathlib import Path

import pytest

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import read_csv, write_csv
from leukemia_tf.evaluation import predictions as module
from leukemia_tf.evaluation.predictions import COLUMNS, REQUIRED, Prediction, read_predictions, write_predictions

ROWS = [
    Prediction("a/1.png", "7", "all", 1.2345678, 0.1 + 0.2, "all", view="dihedral"),
    Prediction("2, small.png", status="rejected", reason="empty"),
]


def test_what_was_written_is_read(tmp_path):
    assert read_predictions(write_predictions(tmp_path / "predictions.csv", ROWS)) == ROWS


def rewrite(path, drop=(), **extra):
    rows = [{name: value for name, value in {**row, **extra}.items() if name not in drop} for row in read_csv(path)]
    return write_csv(path, list(rows[0]), rows)


def test_an_older_file_takes_the_defaults_of_newer_columns(tmp_path):
    path = write_predictions(tmp_path / "predictions.csv", ROWS)
    old = read_predictions(rewrite(path, drop=set(COLUMNS) - set(REQUIRED)))
    assert [(row.path, row.probability) for row in old] == [(row.path, row.probability) for row in ROWS]
    assert {(row.status, row.reason, row.view) for row in old} == {("ok", "", "none")}


def test_columns_are_read_by_name(tmp_path):
    path = write_predictions(tmp_path / "predictions.csv", ROWS)
    rewrite(path, comment="seen twice")
    write_csv(path, sorted(read_csv(path)[0]), read_csv(path))
    assert read_predictions(path) == ROWS


@pytest.mark.parametrize("column", REQUIRED)
def test_a_required_column(tmp_path, column):
    path = rewrite(write_predictions(tmp_path / "predictions.csv", ROWS), drop={column})
    with pytest.raises(DataError, match=rf"line 2: no {column}, so this is not a table of predictions"):
        read_predictions(path)


@pytest.mark.parametrize(("line", "problem"), [("a,1,all", "no logit, probability, prediction"), ("a", "no patient")])
def test_a_truncated_line(tmp_path, line, problem):
    path = write_predictions(tmp_path / "predictions.csv", ROWS[:1])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(DataError, match=f"line 3: {problem}"):
        read_predictions(path)


def test_a_line_with_too_many_values(tmp_path):
    path = write_predictions(tmp_path / "predictions.csv", ROWS[:1])
    path.write_text(path.read_text() + "," * len(COLUMNS) + "\n")
    with pytest.raises(DataError, match="line 3: more values than columns"):
        read_predictions(path)


def test_a_new_column_is_one_field(tmp_path, monkeypatch):
    """Adds two fields to `Prediction` as a contributor would, by running the module with a longer class body."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    field = '    view: str = "none"'
    assert source.count(field) == 1
    longer = source.replace(field, '    microscope: str = "unknown"\n    entropy: float | None = None\n' + field)
    names = {"__name__": module.__name__}
    exec(compile(longer, module.__file__, "exec"), names)
    written = names["Prediction"]("a.png", "7", "all", 1.0, 0.75, "all", microscope="M2", entropy=1 / 3)
    path = names["write_predictions"](tmp_path / "new.csv", [written])
    assert names["read_predictions"](path) == [written]
    assert read_predictions(path) == [Prediction("a.png", "7", "all", 1.0, 0.75, "all")]  # the older version reads it
    (old,) = names["read_predictions"](write_predictions(tmp_path / "old.csv", ROWS[:1]))
    assert (old.path, old.microscope, old.entropy) == ("a/1.png", "unknown", None)
