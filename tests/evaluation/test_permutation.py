"""The permutation test of the AUROC by patient: known answers, and uniform p without a difference."""

import numpy as np
import pytest

from leukemia_tf.evaluation.permutation import permutation_p


def test_p_of_separated_patients_is_one_of_all_permutations():
    labels, patients = np.repeat([1, 0], (10, 15)), np.repeat([f"p{index}" for index in range(10)], (2,) * 5 + (3,) * 5)
    assert permutation_p(labels, labels * 0.9, patients) == pytest.approx(1 / 252)
    assert permutation_p(labels, 1 - labels * 0.9, patients) == 1


def test_p_by_hand():
    """Of patients a, b against C, D with means 3, 1, 2, 0: pairs won 3 of 4; of six ways two win as much or more."""
    labels, scores = np.array([1, 1, 0, 0]), np.array([0.3, 0.1, 0.2, 0.0])
    assert permutation_p(labels, scores, np.array(list("abCD"))) == pytest.approx(2 / 6)


def test_drawn_permutations_agree_with_all(monkeypatch):
    rng = np.random.default_rng(0)
    labels, patients = np.repeat([1, 0], (12, 12)), np.repeat(np.arange(12), 2)
    scores = labels * 0.3 + rng.normal(size=24)
    every = permutation_p(labels, scores, patients)
    monkeypatch.setattr("leukemia_tf.evaluation.permutation.PERMUTATIONS", 900)
    assert permutation_p(labels, scores, patients) == pytest.approx(every, abs=0.04)


def test_p_is_uniform_without_a_difference():
    rng = np.random.default_rng(1)
    labels, patients = np.repeat([1, 0], (15, 15)), np.repeat(np.arange(10), 3)
    ps = [permutation_p(labels, rng.normal(size=10)[patients] + rng.normal(size=30), patients) for _ in range(200)]
    assert 0.01 <= np.mean(np.array(ps) <= 0.05) <= 0.1


def test_one_class_has_no_p():
    assert np.isnan(permutation_p(np.ones(3, int), np.arange(3.0), np.array(list("abc"))))
