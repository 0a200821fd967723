"""Optimizers and losses against Keras's own, and what is added to them."""

import keras
import numpy as np
import pytest

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.training.optimization import LOSSES, OptimizationConfig, parse_loss
from leukemia_tf.training.optimizers import build_loss, build_optimizer, moving_averages, set_rate

KERAS = {
    "adam": lambda **more: keras.optimizers.Adam(0.1, **more),
    "adamw": lambda **more: keras.optimizers.AdamW(0.1, **more),
    "sgd": lambda **more: keras.optimizers.SGD(0.1, momentum=0.9, **more),
    "rmsprop": lambda **more: keras.optimizers.RMSprop(0.1, **more),
}


def trained(optimizer, steps=5, name="w"):
    """Return variables after some steps down a bowl."""
    weights = [keras.Variable([1.0, -2.0], name=name), keras.Variable([3.0], name="v")]
    optimizer.build(weights)
    for _ in range(steps):
        optimizer.apply([2 * w.value for w in weights], weights)
    return [w.numpy() for w in weights], weights


@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("more", [{}, {"weight_decay": 0.3}, {"clip": 0.5}], ids=str)
def test_steps_are_kerass(name, more):
    theirs = {{"clip": "global_clipnorm"}.get(key, key): value for key, value in more.items()}
    got, _ = trained(build_optimizer(OptimizationConfig(name, **more), 0.1, {}))
    wanted, _ = trained(KERAS[name](**theirs))
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0, 0.5])
def test_the_momentum_of_sgd_is_kerass(momentum):
    got, _ = trained(build_optimizer(OptimizationConfig("sgd", momentum=momentum), 0.1, {}))
    wanted, _ = trained(keras.optimizers.SGD(0.1, momentum=float(momentum)))
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_schedule_raises_a_momentum_of_zero():
    raised = build_optimizer(OptimizationConfig("sgd", momentum=0), 0.1, {})
    set_rate(raised, 0.1, 0.9)
    np.testing.assert_allclose(trained(raised)[0][0], trained(keras.optimizers.SGD(0.1, momentum=0.9))[0][0], rtol=1e-5)


@pytest.mark.parametrize("name", KERAS)
def test_a_share_of_the_rate(name):
    optimizer = build_optimizer(OptimizationConfig(name, weight_decay=1e-9), 0.1, {})  # decay knows no shares
    weights = [keras.Variable([1.0], name="w"), keras.Variable([1.0], name="v")]
    optimizer.multipliers = {weights[1].path: 0.1}
    optimizer.build(weights)
    optimizer.apply([2 * w.value for w in weights], weights)
    fast, slow = (1 - float(w.numpy()[0]) for w in weights)
    assert slow == pytest.approx(fast / 10, rel=1e-3)


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_momentum_moves(name):
    steady, moved = (build_optimizer(OptimizationConfig(name), 0.1, {}) for _ in range(2))
    set_rate(moved, 0.1, 0.5)
    assert not np.allclose(trained(steady)[0][0], trained(moved)[0][0])


@pytest.mark.parametrize("name", KERAS)
def test_biases_do_not_decay(name):
    def after(decay, variable):
        return trained(build_optimizer(OptimizationConfig(name, weight_decay=decay), 0.1, {}), 3, variable)[0][0]

    np.testing.assert_allclose(after(0.3, "bias"), after(1e-9, "bias"), rtol=1e-5)
    assert not np.allclose(after(0.3, "kernel"), after(1e-9, "kernel"))


def test_averages_follow_the_weights():
    optimizer = build_optimizer(OptimizationConfig("sgd", ema=0.5), 0.1, {})
    weight = keras.Variable([0.0], name="w")
    optimizer.build([weight])
    mean = None
    for _ in range(4):
        optimizer.apply([weight.value * 0 - 1.0], [weight])
        mean = weight.numpy() if mean is None else 0.5 * mean + 0.5 * weight.numpy()
    np.testing.assert_allclose(moving_averages(optimizer)[0].numpy(), mean, rtol=1e-6)
    assert moving_averages(build_optimizer(OptimizationConfig("sgd"), 0.1, {})) == []


def test_losses_by_hand():
    label, logit = np.array([[1.0], [0.0]]), np.array([[0.3], [0.8]])
    right = 1 / (1 + np.exp(-np.where(label == 1, logit, -logit)))
    cross, focal, smooth = (
        float(build_loss(settings)(label, logit))
        for settings in (
            OptimizationConfig(),
            OptimizationConfig(loss="focal:2"),
            OptimizationConfig(label_smoothing=0.2),
        )
    )
    assert cross == pytest.approx(np.mean(-np.log(right)), rel=1e-5)
    assert focal == pytest.approx(np.mean(-((1 - right) ** 2) * np.log(right)), rel=1e-5)
    assert smooth == pytest.approx(np.mean(-0.9 * np.log(right) - 0.1 * np.log(1 - right)), rel=1e-5)
    assert parse_loss("focal") == (LOSSES["focal"], 2.0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"optimizer": "adm"}, "`optimizer`: did you mean adam.* Received: optimizer='adm'"),
        ({"loss": "focus"}, "`loss`: no such loss; .* Received: loss='focus'"),
        ({"loss": "focal:x"}, "write it as `focal:2`"),
        ({"loss": "cross-entropy:1"}, "write it as `cross-entropy`"),
        ({"label_smoothing": 1.0}, "Received: label_smoothing=1.0"),
        ({"ema": -0.1}, "Received: ema=-0.1"),
        ({"optimizer": "sgd", "momentum": 1.0}, "0 to below 1. Received: momentum=1.0"),
        ({"optimizer": "sgd", "momentum": -0.5}, "Received: momentum=-0.5"),
        ({"optimizer": "sgd", "momentum": float("nan")}, "Received: momentum=nan"),
        ({"optimizer": "adam", "momentum": 0.5}, "`optimizer=adam` has none: it is for sgd. Received: momentum=0.5"),
        ({"weight_decay": -1.0}, "Received: weight_decay=-1.0"),
        ({"clip": float("nan")}, "Received: clip=nan"),
    ],
)
def test_bad_settings(settings, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        OptimizationConfig(**settings)
