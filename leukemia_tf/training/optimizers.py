"""Losses, training accuracy, and optimizers with a rate per block, a scheduled momentum, and moving averages."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

from leukemia_tf.models.keras_internals import variable_index
from leukemia_tf.training.optimization import OPTIMIZERS, OptimizationConfig, parse_loss


def build_loss(optimization: OptimizationConfig) -> keras.losses.Loss:
    """Return the loss on logits."""
    loss, value = parse_loss(optimization.loss)
    options = {loss.argument: value} if loss.argument else {}
    return _load(loss.constructor)(from_logits=True, label_smoothing=optimization.label_smoothing, **options)


def training_accuracy() -> keras.metrics.Metric:
    """Return the share of cells whose logit is on the side of their target, both [n, 1].

    A target between 0 and 1, of a mixed cell or of a pseudo-label, counts as the class that it is nearer to; one half
    counts as `all`. Every cell counts once, whatever its weight.
    """

    def matches(targets: KerasTensor, logits: KerasTensor) -> KerasTensor:
        return ops.cast(ops.equal(targets >= 0.5, logits >= 0), "float32")

    return keras.metrics.MeanMetricWrapper(matches, name="accuracy")


def _load(constructor: str) -> Any:
    """Return what `module:name` names."""
    module, name = constructor.split(":")
    return getattr(importlib.import_module(module), name)


class _BlockRates(keras.optimizers.Optimizer):
    """Lets lower blocks learn slower, and leaves moving averages beside the weights.

    `multipliers` holds, by a variable's path, the share of the rate that it learns at, where that is not all of it;
    `scheduled_momentum` the momentum that a schedule may set, where the optimizer has one.
    """

    multipliers: Mapping[str, float] = {}
    scheduled_momentum: keras.Variable | None = None

    def build(self, variables: list[keras.Variable]) -> None:
        """Build, and look up each variable's share of the rate."""
        super().build(variables)
        self.multiplier_list = [self.multipliers.get(variable.path, 1.0) for variable in variables]

    def update_step(self, gradient: KerasTensor, variable: Any, learning_rate: KerasTensor) -> None:
        """Step at the variable's share of the rate."""
        super().update_step(gradient, variable, learning_rate * self.multiplier(variable))

    def multiplier(self, variable: Any) -> float:
        """Return the share of the rate of a variable, Keras's or the backend's."""
        return self.multiplier_list[variable_index(self, variable)]

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Leave the weights as they are: `fit` would put the averages in their place after each epoch."""


class Adam(_BlockRates, keras.optimizers.Adam):
    """Adam, its weight decay decoupled; the scheduled momentum is `beta_1`."""

    beta_1: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scheduled_momentum = self.beta_1 = _scalar(self.beta_1)


class SGD(_BlockRates, keras.optimizers.SGD):
    """Stochastic gradient descent with a scheduled momentum."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.scheduled_momentum = _scalar(self.momentum)

    def update_step(self, gradient: KerasTensor, variable: Any, learning_rate: KerasTensor) -> None:
        """Step at the variable's share of the rate, with the scheduled momentum."""
        rate = learning_rate * self.multiplier(variable)
        velocity = self.momentums[variable_index(self, variable)]
        self.assign(velocity, velocity * self.scheduled_momentum - gradient * ops.cast(rate, variable.dtype))
        self.assign_add(variable, velocity)


def _scalar(value: float) -> keras.Variable:
    return keras.Variable(value, trainable=False, dtype="float32")


def build_optimizer(
    optimization: OptimizationConfig, rate: float, multipliers: Mapping[str, float]
) -> keras.optimizers.Optimizer:
    """Return an optimizer.

    Parameters
    ----------
    optimization : OptimizationConfig
        Its settings.
    rate : float
        The learning rate.
    multipliers : mapping
        By a variable's path, the share of the rate that it learns at, where that is not all of it.
    """
    record = OPTIMIZERS[optimization.optimizer]
    decay = record.weight_decay if optimization.weight_decay is None else optimization.weight_decay
    optimizer: _BlockRates = _with_block_rates(_load(record.constructor))(
        **record.options,
        learning_rate=rate,
        weight_decay=decay or None,
        global_clipnorm=optimization.clip or None,
        use_ema=optimization.ema > 0,
        ema_momentum=optimization.ema or 0.99,
    )
    optimizer.multipliers = dict(multipliers)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _with_block_rates(kind: type) -> Any:
    """Return an optimizer's class with a rate per block; it keeps its name."""
    return kind if issubclass(kind, _BlockRates) else type(kind.__name__, (_BlockRates, kind), {})


def set_rate(optimizer: keras.optimizers.Optimizer, rate: float, momentum: float | None) -> None:
    """Set the learning rate of the next step and, where it is a number, the momentum."""
    optimizer = unwrapped(optimizer)
    optimizer.learning_rate = rate
    scheduled = getattr(optimizer, "scheduled_momentum", None)  # a caller's own optimizer has none
    if momentum is not None and scheduled is not None:
        scheduled.assign(momentum)


def unwrapped(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return the optimizer itself, out of the wrapper that scales the loss at half precision."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def moving_averages(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Return the moving averages of the trainable weights, in their order; none where there are none."""
    optimizer = unwrapped(optimizer)
    return [variable for variable in optimizer.variables if optimizer.use_ema and variable.path.endswith("_average")]
