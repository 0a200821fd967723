"""One patient under two spellings is one patient, wherever the name is read."""

import json
import unicodedata

import pytest

from leukemia_tf.data.catalog import Cell, read_cells, write_cells
from leukemia_tf.data.patient_groups import groups_by_patient
from leukemia_tf.data.patient_names import patient_name, spellings
from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.splits import read_split

COMPOSED, DECOMPOSED = "Müller", unicodedata.normalize("NFD", "Müller")


@pytest.mark.parametrize("text", [COMPOSED, DECOMPOSED, "MÜLLER", "müller", unicodedata.normalize("NFD", " müller")])
def test_one_form(text):
    assert patient_name(text) == "MÜLLER"
    assert patient_name(patient_name(text)) == patient_name(text)


def test_other_people_stay_apart():
    assert len({patient_name(text) for text in ("Muller", "Müller", "Mueller", "L2", "L12")}) == 5
    assert patient_name("Weiß") == patient_name("WEISS") == patient_name("WEIẞ")
    assert spellings(["l2", "L2", "P1"]) == {"L2": ("L2", "l2")}


@pytest.fixture
def tree(tmp_path, tiny_cells):
    """A tree with one leukemic patient under four spellings, and three more of each class."""
    folders = [f"all/{name}" for name in (COMPOSED, DECOMPOSED, "müller", "MÜLLER", "b", "c")] + ["hem/L2", "hem/l2"]
    pictures = iter(sorted(tiny_cells.rglob("*.bmp")))
    for folder in [*folders, "hem/k3", "hem/k4"]:
        for number in range(2):
            target = tmp_path / "cells" / folder / f"{number}.bmp"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(next(pictures).read_bytes())
    return tmp_path / "cells"


def test_the_catalog_has_one_patient_and_says_so(tree):
    catalog = read_catalog(tree)
    assert {cell.patient for cell in catalog.cells} == {"MÜLLER", "B", "C", "L2", "K3", "K4"}
    assert {row.patient for row in catalog.respelt} == {"L2", "MÜLLER"}
    assert all((tree / row.path).is_file() for row in catalog.respelt)
    assert "spelt in several ways" in catalog.respelt[0].reason


def test_he_is_in_one_part(tree, caplog):
    for seed in range(5):
        prepared = prepare_cells(tree, "patient", seed)
        assert len({cell.split for cell in prepared.cells if "ller" in cell.path.lower()}) == 1
        assert len({cell.split for cell in prepared.cells if "l2" in cell.path.lower()}) == 1
    assert "patient MÜLLER is spelt in several ways" in caplog.text


def test_splits_json_in_another_form(tree, tmp_path):
    path = tmp_path / "splits.json"
    parts = {"train": [DECOMPOSED, "müller", "l2"], "val": ["B", "k3"], "test": ["c", "K4"]}
    path.write_text(json.dumps(parts))
    assert read_split(path).train == ("MÜLLER", "L2")
    prepared = prepare_cells(tree, str(path), seed=0)
    assert not any(cell.split == "" for cell in prepared.cells)
    refit = prepare_cells(tree, f"refit:{path}", seed=0)
    assert len(refit.cells) == len(prepared.cells)


def test_what_earlier_runs_wrote_is_read_in_that_form(tmp_path):
    path = write_cells(tmp_path / "cells.csv", [Cell("a.bmp", "all", DECOMPOSED), Cell("b.bmp", "hem", "l2")])
    assert [cell.patient for cell in read_cells(path)] == ["MÜLLER", "L2"]
    assert groups_by_patient([["l2", "L3"]]) == {"L2": {"L2", "L3"}, "L3": {"L2", "L3"}}
