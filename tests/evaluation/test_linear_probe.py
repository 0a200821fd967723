"""A linear probe weighs patients, however many cells each has."""

from __future__ import annotations

import numpy as np
import pytest

from leukemia_tf.evaluation.linear_probe import out_of_fold

PATIENTS = np.repeat(["1", "2", "3", "H1", "H2", "H3"], 4)
LABELS = np.repeat([1, 0], 12)
FEATURES = np.random.default_rng(0).normal(size=(24, 5)) + LABELS[:, None]
TESTED = np.isin(PATIENTS, ["3", "H3"])
TWICE = np.repeat(np.arange(24), 2)
UNEQUAL = np.repeat(np.arange(24), np.repeat([3, 1, 2, 3, 1, 2], 4))  # of each patient 3, 1 or 2 times the cells


def of_the_tested(patients: np.ndarray, cells: np.ndarray) -> np.ndarray:
    tested = TESTED[cells]
    folds = [(np.flatnonzero(~tested), np.flatnonzero(tested))]
    return out_of_fold(FEATURES[cells], LABELS[cells], patients, folds, weighted_scale=True)[tested]


def test_a_patient_with_more_cells_weighs_no_more():
    equal = of_the_tested(PATIENTS[TWICE], TWICE)
    assert of_the_tested(PATIENTS[UNEQUAL], UNEQUAL) == pytest.approx(equal, abs=1e-4)


def test_a_patient_under_two_names_would_weigh_twice():
    names = PATIENTS[TWICE].astype("U8")
    names[:8:2] = "1 again"
    assert np.abs(of_the_tested(names, TWICE) - of_the_tested(PATIENTS[TWICE], TWICE)).max() > 0.001
