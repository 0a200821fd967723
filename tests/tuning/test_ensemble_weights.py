"""Weights of an ensemble: fitter than the average where a member is useless, and scikit-learn's measure."""

import random

import numpy as np
import pytest
from sklearn.metrics import f1_score

from leukemia_tf.tuning.ensemble_weights import genetic_weights, weighted_f_measure

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, 300)


def member(skill):
    """Return probabilities: the truth with noise."""
    return 1 / (1 + np.exp(-(skill * (2 * LABELS - 1) + RNG.normal(0, 1, len(LABELS)))))


def test_the_weighted_f_measure_is_scikit_learns():
    for probabilities in (member(1.0), np.zeros(300), np.ones(300)):
        wanted = f1_score(LABELS, probabilities >= 0.5, average="weighted", zero_division=0)
        assert weighted_f_measure(LABELS, probabilities) == pytest.approx(wanted)


def test_a_wrong_member_gets_little_weight():
    members = np.stack([member(1.0), member(1.0), 1 - member(3.0)])  # the third is surely wrong
    weights = genetic_weights(LABELS, members)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    assert weights[2] < 0.15
    assert weighted_f_measure(LABELS, weights @ members) > weighted_f_measure(LABELS, members.mean(0)) + 0.05


def test_never_worse_than_the_average_on_the_same_cells():
    for seed in range(3):
        members = np.stack([member(0.5) for _ in range(4)])
        weights = genetic_weights(LABELS, members, seed)
        assert weighted_f_measure(LABELS, weights @ members) >= weighted_f_measure(LABELS, members.mean(0))


def test_the_seed_decides_and_nothing_else_is_touched():
    members = np.stack([member(0.7), member(0.3)])
    random.seed(5)
    wanted = random.random()
    random.seed(5)
    first = genetic_weights(LABELS, members, 1)
    assert random.random() == wanted
    assert np.array_equal(first, genetic_weights(LABELS, members, 1))


def test_equal_members_are_averaged():
    same = member(0.8)
    assert genetic_weights(LABELS, np.stack([same, same])) == pytest.approx([0.5, 0.5])
