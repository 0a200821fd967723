"""Checks of explanations on networks of which the truth is known."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from leukemia_tf.explain.checks import GRID, STEPS, alike, centre_blob, curves, gains, shuffled, squares_of
from leukemia_tf.explain.target import Target
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.network import blocks_of, load_network

SIDE = 4 * GRID  # a square is four pixels wide


@pytest.fixture(scope="module")
def target(hand_network):
    """A network that reads one square alone, and there the contrast."""
    weights = np.zeros((SIDE, SIDE, 1))
    weights[8:12, 20:24] = np.indices((4, 4)).sum(0)[..., None] % 2 * 2 - 1
    return Target(hand_network(weights, SIDE, np.ones((3, 1))), "conv")


@pytest.fixture(scope="module")
def cell():
    checks = np.indices((SIDE, SIDE)).sum(0) % 2
    return np.repeat((100 + 100 * checks)[..., None], 3, -1).astype(np.uint8)


def truth():
    squares = np.zeros((GRID, GRID), np.float32)
    squares[2, 5] = 1
    return squares


def test_the_square_that_is_read_moves_the_answer_at_once(target, cell):
    deletion, insertion = curves(target, cell, 1.0, truth(), np.random.default_rng(0))
    whole, nothing = deletion[0], insertion[0]
    assert whole > nothing + 1
    np.testing.assert_allclose(deletion[1:], nothing, atol=0.3)
    np.testing.assert_allclose(insertion[1:], whole, atol=0.3)
    assert deletion[-1] == pytest.approx(nothing)
    fall, rise = gains(np.stack([deletion, insertion]))
    assert fall == pytest.approx((whole - nothing) * STEPS / (STEPS + 1), rel=0.1)
    assert rise == pytest.approx(fall, rel=0.1)


def test_the_opposite_of_the_truth_moves_it_last(target, cell):
    deletion, insertion = curves(target, cell, 1.0, -truth(), np.random.default_rng(0))
    np.testing.assert_allclose(deletion[:-1], deletion[0], atol=0.3)
    np.testing.assert_allclose(insertion[:-1], insertion[0], atol=0.3)


def test_for_a_normal_cell_the_logit_counts_the_other_way(target, cell):
    one, other = (curves(target, cell, sign, truth(), np.random.default_rng(0)) for sign in (1.0, -1.0))
    np.testing.assert_allclose(one, -other)


def test_squares():
    heat = np.kron(np.arange(GRID * GRID).reshape(GRID, GRID), np.ones((4, 4)))
    np.testing.assert_allclose(squares_of(heat), np.arange(GRID * GRID).reshape(GRID, GRID))
    assert squares_of(np.ones((7, 7))).shape == (GRID, GRID)
    assert np.unravel_index(centre_blob().argmax(), (GRID, GRID)) == (GRID // 2, GRID // 2)


def test_alike_is_spearmans_correlation():
    one, other = np.random.default_rng(0).integers(0, 9, (2, 5, 5)).astype(float)
    assert alike(one, other) == pytest.approx(spearmanr(one.ravel(), other.ravel()).statistic)
    assert alike(one, np.ones((5, 5))) == 0


def test_shuffled_weights_come_back(tiny_run):
    model = load_network(tiny_run.model)
    before = [value.copy() for value in model.get_weights()]
    groups = block_layers(model, blocks_of(model))
    with shuffled(model, [groups["head"], groups["block1"]], seed=0) as shuffle:
        shuffle(0)
        head = model.get_weights()
        assert [np.array_equal(a, b) for a, b in zip(before, head)].count(False) >= 2
        np.testing.assert_array_equal(np.sort(head[-2].ravel()), np.sort(before[-2].ravel()))
        assert np.array_equal(head[0], before[0])
        shuffle(1)
        assert not np.array_equal(model.get_weights()[0], before[0])
    for own, now in zip(before, model.get_weights()):
        np.testing.assert_array_equal(own, now)
