"""Pseudo-labels: which cells are taken, the training targets, and the file."""

import numpy as np
import pytest

from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.catalog import Cell, read_cells, write_cells
from leukemia_tf.data.datasets import targets, training_batches
from leukemia_tf.data.pseudo_labels import pseudo_labelled

CELLS = [Cell(f"{number}.bmp", "", "") for number in range(6)]
PROBABILITIES = np.array([0.95, 0.6, 0.1, 0.8, 0.45, 0.99])


def labelled(**changes):
    options = {"soft": True, "confidence": 0.5, "balanced": False, **changes}
    return {cell.path: cell for cell in pseudo_labelled(CELLS, PROBABILITIES, **options)}


def test_the_likelier_label_and_the_probability():
    found = labelled()
    assert [cell.label for cell in found.values()] == ["all", "all", "hem", "all", "hem", "all"]
    assert [cell.pseudo for cell in found.values()] == PROBABILITIES.tolist()
    assert {cell.split for cell in found.values()} == {"train"}
    assert [cell.pseudo for cell in labelled(soft=False).values()] == [1, 1, 0, 1, 0, 1]


def test_only_sure_ones_and_as_many_of_either_the_surest_first():
    assert list(labelled(confidence=0.8)) == ["0.bmp", "2.bmp", "3.bmp", "5.bmp"]
    assert list(labelled(balanced=True)) == ["0.bmp", "2.bmp", "4.bmp", "5.bmp"]
    assert list(labelled(balanced=True, confidence=0.8)) == ["2.bmp", "5.bmp"]
    assert not labelled(balanced=True, confidence=0.92)  # no `hem` is as sure


def test_cells_csv_has_the_column_only_where_it_says_something(tmp_path):
    plain = (Cell("a.bmp", "all", "1", "x", "train"),)
    mixed = (*plain, Cell("b.bmp", "hem", "", "y", "train", 0.1 + 0.2))
    assert "pseudo" not in write_cells(tmp_path / "plain.csv", plain).read_text()
    assert read_cells(tmp_path / "plain.csv") == plain
    assert read_cells(write_cells(tmp_path / "mixed.csv", mixed)) == mixed


def test_the_target_is_the_probability_and_the_balance_that_of_the_labels():
    cells = [Cell("a", "all", "1"), *pseudo_labelled(CELLS, PROBABILITIES, True, 0.5, False)]
    soft = targets(cells)
    assert soft.dtype == np.float32
    assert soft.tolist() == pytest.approx([1, *PROBABILITIES])
    pictures = np.arange(len(cells))
    epoch = training_batches(lambda index, numbers: index, soft, np.ones(len(cells)), Sampling("oversample"), 4, 0, 0)
    seen = [(int(cell), float(target[0])) for batch in epoch for cell, target in zip(batch[0], batch[1])]
    assert {pictures[cell]: target for cell, target in seen} == pytest.approx(dict(enumerate(soft.tolist())))
    assert sum(target >= 0.5 for _, target in seen) == sum(target < 0.5 for _, target in seen) == 5


def test_a_cell_of_an_unknown_patient_weighs_as_one_of_a_patient_of_mean_size():
    labels = np.ones(8, int)
    patients = np.array(["a"] * 4 + ["b"] * 2 + ["", ""])
    found = cell_weights(labels, patients, Sampling(patient_weight="equal"))
    expected = np.array([1 / 4] * 4 + [1 / 2] * 2 + [1 / 3] * 2)  # a and b have 3 each in the mean
    assert found == pytest.approx(expected / expected.mean())
    assert cell_weights(labels, np.array([""] * 8), Sampling(patient_weight="equal")) == pytest.approx(np.ones(8))
