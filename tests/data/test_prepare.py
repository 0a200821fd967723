"""A folder made ready for a run, with the package's split or the user's own."""

import json

import pytest

from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.errors import DataError


def test_a_split_of_ones_own(tiny_cells, tmp_path, caplog):
    own = tmp_path / "splits.json"
    own.write_text(json.dumps({"train": ["1", "h1"], "val": ["2", "H2"], "test": ["3", "H3"]}))
    cells, split = prepare_cells(tiny_cells, str(own), seed=0)
    assert {(cell.patient, cell.split) for cell in cells} == {
        *(("1", "train"), ("H1", "train"), ("2", "val"), ("H2", "val"), ("3", "test"), ("H3", "test")),
        *(("4", ""), ("H4", "")),
    }
    assert "0 of 6 patients shared" in caplog.text
    assert "2 patients that the split does not name are left out: 4, H4" in caplog.text
    assert split.train == ("1", "H1")


def test_a_leaking_split_is_refused(tiny_cells, tmp_path):
    own = tmp_path / "splits.json"
    own.write_text(json.dumps({"train": ["1", "h1"], "val": ["2", "H2"], "test": ["3", "H3", "H1"]}))
    with pytest.raises(DataError, match="leak: patient H1 in both train and test"):
        prepare_cells(tiny_cells, str(own), seed=0)


def test_what_is_found_is_said(real_cells, caplog):
    prepare_cells(real_cells, "patient", seed=0)
    for sentence in (
        "4 images without a label",
        "1,863 rows of a labels CSV",
        "0 of 38 patients shared",
        "val is thin",
    ):
        assert sentence in caplog.text
