"""Measures of faithfulness, on networks with a known explanation."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from leukemia_tf.explain.faithfulness_measures import (
    GRID,
    STEPS,
    cell_squares,
    centre_blob,
    curves,
    gains,
    rank_correlation,
    shuffled,
    squares_of,
)
from leukemia_tf.explain.target import Target
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.network import blocks_of, load_network

SIDE = 16 * GRID  # a square is sixteen pixels wide


@pytest.fixture(scope="module")
def target(hand_network):
    """A network that reads the middle of one square alone, and there the contrast."""
    weights = np.zeros((SIDE, SIDE, 1))
    weights[37:43, 85:91] = np.indices((6, 6)).sum(0)[..., None] % 2 * 2 - 1
    return Target(hand_network(weights, SIDE, np.ones((3, 1))), "conv")


@pytest.fixture(scope="module")
def cell():
    checks = np.indices((SIDE, SIDE)).sum(0) % 2
    return np.repeat((100 + 100 * checks)[..., None], 3, -1).astype(np.uint8)


def truth():
    squares = np.zeros((GRID, GRID), np.float32)
    squares[2, 5] = 1
    return squares


def test_the_square_that_is_read_moves_the_logit_at_once(target, cell):
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


def test_rank_correlation_is_spearmans():
    one, other = np.random.default_rng(0).integers(0, 9, (2, 5, 5)).astype(float)
    where = np.arange(25).reshape(5, 5) > 6
    assert rank_correlation(one, other, where) == pytest.approx(spearmanr(one[where], other[where]).statistic)
    assert rank_correlation(one, np.ones((5, 5)), where) == 0


def test_squares_beside_the_cell_have_no_rank(target, cell):
    """A map that is hottest beside the cell blurs as much of the cell, step by step, as one that is cold there."""
    small = cell.copy()
    small[: 2 * 16] = small[:, 7 * 16 :] = 0  # the square that is read lies in what is left
    assert cell_squares(small).sum() == (GRID - 2) * 7
    beside = np.where(cell_squares(small), truth(), 5)
    one, other = (curves(target, small, 1.0, heat, np.random.default_rng(0)) for heat in (truth(), beside))
    np.testing.assert_allclose(one[:, [0, -1]], other[:, [0, -1]], atol=1e-4)
    np.testing.assert_allclose(other[0, 1], other[0, -1], atol=0.5)


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
    for original, restored in zip(before, model.get_weights()):
        np.testing.assert_array_equal(original, restored)
