"""The learning-rate range test on a problem whose best rate is known."""

import keras
import numpy as np
import pytest

from leukemia_tf.tuning.learning_rate import find_learning_rate


def linear(momentum=0.0):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(keras.optimizers.SGD(1e-3, momentum), "mse")
    return model


X = np.ones((4, 1), np.float32)


def test_suggests_a_rate_that_learns_and_stays_below_divergence():
    # loss (w - 0)^2 with gradient 2 w: plain descent diverges above a rate of 1
    result = find_learning_rate(linear(), [(X, 0 * X)], 1e-5, 100.0)
    assert 1e-3 < result.steepest < 1.0
    assert 1e-4 < result.valley < 1.0
    assert result.rates[-1] < 100.0
    assert (np.diff(result.rates) > 0).all()


def test_the_network_is_restored():
    model = linear(momentum=0.9)
    model.fit(X, 0 * X, epochs=2, verbose=0)
    before = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    find_learning_rate(model, [(X, 0 * X)], steps=20)
    after = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_no_finite_loss_is_refused():
    with pytest.raises(ValueError, match="Received: nan"):
        find_learning_rate(linear(), [(X, np.nan * X)])
