"""The learning-rate range test on problems whose good rates are known."""

import keras
import numpy as np
import pytest

from leukemia_tf.tuning.learning_rate import find_learning_rate, recorded_loss, suggest

X = np.ones((4, 1), np.float32)
RATES = np.geomspace(1e-7, 1, 100)


def linear(momentum=0.0):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    loss = keras.losses.MeanSquaredError()
    model.compile(keras.optimizers.SGD(1e-3, momentum), loss, metrics=[recorded_loss(loss)])
    return model


def test_it_suggests_a_rate_that_learns_and_stays_below_divergence():
    # loss w^2 with gradient 2 w: plain descent diverges above a rate of 1
    result = find_learning_rate(linear(), lambda epoch: [(X, 0 * X)], 1e-5, 100.0)
    assert result.untrained == pytest.approx(1)
    assert 1e-3 < result.suggested < 1
    assert len(result.rates) == len(result.losses) == 100
    assert result.rates[-1] == pytest.approx(100)  # the sweep goes to its end


def test_the_network_is_restored():
    model = linear(momentum=0.9)
    model.fit(X, 0 * X, epochs=2, verbose=0)
    before = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    find_learning_rate(model, lambda epoch: [(X, 0 * X)], steps=20)
    after = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_the_recorded_loss_weighs_cells_evenly():
    targets, weights = np.array([[0], [3]], np.float32), np.array([1, 0], np.float32)
    result = find_learning_rate(linear(), lambda epoch: [(np.ones((2, 1), np.float32), targets, weights)], steps=5)
    assert result.untrained == pytest.approx((1 + 4) / 2)


def test_no_finite_loss_is_refused():
    with pytest.raises(ValueError, match="Received: nan"):
        find_learning_rate(linear(), lambda epoch: [(X, np.nan * X)])


def sweeps(gain, noise, seed=0):
    """Losses of three sweeps: batches that differ by 0.3, and a gain by the rate."""
    rng = np.random.default_rng(seed)
    untrained = 0.7 + rng.normal(0, 0.3, (3, 100))
    return untrained, untrained + gain + rng.normal(0, noise, (3, 100))


@pytest.mark.parametrize("seed", range(20))
def test_differences_between_batches_do_not_move_the_suggestion(seed):
    fall = -0.3 / (1 + (1e-3 / RATES) ** 2) + np.where(RATES > 0.03, 3.0, 0)  # half of it at 1e-3
    result = suggest(RATES, *sweeps(fall, noise=0.03, seed=seed))
    assert 3e-4 < result.suggested < 4e-3


@pytest.mark.parametrize("seed", range(20))
def test_where_no_rate_lowers_the_loss_none_is_suggested(seed):
    assert suggest(RATES, *sweeps(0.0, noise=0.03, seed=seed)).suggested is None
    assert suggest(RATES, *sweeps(np.linspace(0, 2, 100), noise=0.03, seed=seed)).suggested is None


def test_what_is_no_number_any_more_counts_as_diverged():
    untrained = np.full((3, 100), 0.7)
    trained = untrained - 0.3 / (1 + (1e-3 / RATES) ** 2)
    trained[:, 80:] = np.nan
    result = suggest(RATES, untrained, trained)
    assert 1e-3 < result.suggested < 1e-2
    assert result.losses[-1] == pytest.approx(4 * 0.7)
