"""Wrong cells against right ones: differences within patients, with known answers."""

import json

import numpy as np
import pytest

from leukemia_tf.data.integrity import read_image
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.reporting.cell_shape import SHAPES
from leukemia_tf.reporting.summary import wrong_cells_text
from leukemia_tf.reporting.tables import wrong_cell_groups
from leukemia_tf.reporting.wrong_cells import compare_wrong_cells


def rows_of(comparison):
    return {(row["class"], row["measure"]): row for row in comparison}


def study(patients_per_class=8, cells=20, effect=0.0, seed=0):
    """Draw cells whose patients differ widely in size; a wrong cell is larger by `effect` than its patient's others."""
    rng = np.random.default_rng(seed)
    patients = np.repeat([f"{label}{number}" for label in "HA" for number in range(patients_per_class)], cells)
    labels = np.char.startswith(patients, "A").astype(int)
    of_patient = np.repeat(rng.normal(0, 100, 2 * patients_per_class), cells)
    rate = np.repeat(np.linspace(0.2, 0.8, 2 * patients_per_class), cells)  # patients differ in how many are wrong
    wrong = rng.random(len(labels)) < rate
    return {"area": of_patient + rng.normal(0, 1, len(labels)) + effect * wrong}, labels, patients, wrong


def test_by_hand():
    columns = {"area": np.array([10.0, 20, 30, 1, 3, 50])}
    labels, patients = np.array([1, 1, 1, 0, 0, 0]), np.array(["a", "a", "a", "H", "H", "K"])
    rows = rows_of(compare_wrong_cells(columns, labels, patients, np.array([1, 0, 0, 0, 1, 1], bool)))
    leukemic, normal, both = (rows[name, "area"] for name in ("all", "hem", "both"))
    assert leukemic["difference"]["value"] == 10 - 25
    assert (leukemic["wrong"], leukemic["right"], leukemic["patients"]) == (10, 25, 1)
    assert normal["difference"]["value"] == 3 - 1, "K has no right cell: it says nothing of the difference"
    assert (normal["wrong_cells"], normal["right_cells"], normal["patients"]) == (2, 1, 1)
    assert both["difference"]["value"] == (-15 + 2) / 2
    assert np.isnan(both["difference"]["low"]), "two patients are too few for an interval"


def test_a_difference_within_patients_is_found_and_one_between_them_is_not():
    for effect in (0.0, 2.0):
        row = rows_of(compare_wrong_cells(*study(effect=effect)))["both", "area"]
        low, high = row["difference"]["low"], row["difference"]["high"]
        assert low < effect < high
        assert high - low < 1, "the patients' own sizes, 100 apart, are not in it"


def test_swapping_wrong_and_right_changes_the_sign_alone():
    columns, labels, patients, wrong = study(effect=1.0)
    there, back = (rows_of(compare_wrong_cells(columns, labels, patients, which)) for which in (wrong, ~wrong))
    for key, row in there.items():
        assert row["difference"]["value"] == pytest.approx(-back[key]["difference"]["value"])
        assert row["wrong_cells"] == back[key]["right_cells"]


def test_no_wrong_cell():
    columns, labels, patients, wrong = study()
    comparison = compare_wrong_cells(columns, labels, patients, np.zeros_like(wrong))
    assert wrong_cell_groups(comparison) == []
    assert "cannot be told" in wrong_cells_text(comparison)


def test_words():
    text = wrong_cells_text(compare_wrong_cells(*study(effect=3.0)))
    assert "a higher area (both classes), a higher area (ALL (leukemic))" in text
    assert "No difference" in wrong_cells_text(compare_wrong_cells(*study(effect=0.0)))
    (first, *_) = wrong_cell_groups(compare_wrong_cells(*study(effect=3.0)))
    assert first["title"].startswith("both classes: ")
    assert first["rows"][0][0] == "area, pixels"


def test_a_run_measures_its_test_cells(tiny_run):
    comparison = json.loads(tiny_run.metrics.read_text())["wrong_cells"]
    assert {row["measure"] for row in comparison} == set(SHAPES)
    predictions = read_predictions(tiny_run.predictions("test"))
    wrong = [row.prediction != row.label for row in predictions]
    both = rows_of(comparison)["both", "black"]
    assert (both["wrong_cells"], both["right_cells"]) == (sum(wrong), len(wrong) - sum(wrong))
    black = np.array([1 - (read_image(tiny_run.data / row.path)[1] > 10).any(2).mean() for row in predictions])
    patients = np.array([row.patient for row in predictions])
    pairs = [
        (black[cells & wrong].mean(), black[cells & ~np.array(wrong)].mean())
        for cells in (patients == name for name in np.unique(patients))
        if 0 < (cells & wrong).sum() < cells.sum()
    ]
    assert both["patients"] == len(pairs)
    if pairs:
        assert both["difference"]["value"] == pytest.approx(np.mean([one - other for one, other in pairs]))
