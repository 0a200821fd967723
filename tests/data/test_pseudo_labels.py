"""Pseudo-labels: which cells are taken, the training targets, and the file."""

import cv2
import numpy as np
import pytest

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.catalog import Cell, read_cells, write_cells
from leukemia_tf.data.cell_views import unroll
from leukemia_tf.data.datasets import targets, training_batches
from leukemia_tf.data.fingerprints import as_fingerprints
from leukemia_tf.data.integrity import pixel_hash
from leukemia_tf.data.pseudo_labels import join_pseudo_labelled, pseudo_labelled
from leukemia_tf.data.synthetic import draw_cells

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


@pytest.fixture(scope="module")
def pictures():
    """Twelve pictures that show different cells."""
    return [pixels for _, pixels in draw_cells(patients=3, cells=4, seed=8, side=160)][:12]


@pytest.fixture
def join(pictures, tmp_path):
    """Join pseudo-labels to cells of patients S1 (training), S33 (validation) and H6 (test), four pictures each."""
    cells = []
    for number, pixels in enumerate(pictures):
        patient, label, split = (("S1", "all", "train"), ("S33", "all", "val"), ("H6", "hem", "test"))[number // 4]
        cells.append(Cell(f"{number}.png", label, patient, pixel_hash(pixels), split))
    fingerprints = as_fingerprints((cell.sha256, unroll(pixels)) for cell, pixels in zip(cells, pictures, strict=True))

    def joined(path, patient, pixels):
        cv2.imwrite(str(tmp_path / path), pixels[..., ::-1])
        cell = Cell(path, "all", patient, pixel_hash(pixels), "train", 0.9)
        table = write_cells(tmp_path / "pseudo.csv", [cell])
        return join_pseudo_labelled(tmp_path, cells, fingerprints, (), table, {"H6"})

    return joined


def strange_cell():
    return next(iter(draw_cells(patients=1, cells=3, seed=99, side=160)))[1]


def test_a_cell_of_nobody_held_out_is_joined_with_its_fingerprint(join, pictures):
    cells, fingerprints = join("new.png", "S34", strange_cell())
    assert len(cells) == len(fingerprints.hashes) == len(pictures) + 1
    assert cells[-1].pseudo == 0.9


@pytest.mark.parametrize("number", [4, 11])
def test_a_near_copy_of_a_held_out_cell_is_refused(join, pictures, number):
    copy = pictures[number][:, ::-1].copy()
    copy[0, 0] = 255
    with pytest.raises(DataError, match=rf"labels 1 near-dup.* new\.png of {number}\.png \(similarity 1\.000\)"):
        join("new.png", "", copy)
    join("new.png", "", np.ascontiguousarray(pictures[0][::-1]))  # of a training cell: harmless


@pytest.mark.parametrize(
    ("path", "patient"), [("new.png", "s33"), ("UID_H2_1_1_hem.png", "H2"), ("UID_h5_1_1_hem.png", "h5")]
)
def test_a_held_out_patient_under_another_name_is_refused(join, path, patient):
    with pytest.raises(DataError, match=r"leak: .* of a validation or test patient"):
        join(path, patient, strange_cell())


def test_a_name_in_c_nmc_s_table_is_somebody_else_where_it_is_not_c_nmc_s(join):
    join("new.png", "H2", strange_cell())
