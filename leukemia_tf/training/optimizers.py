"""What a step does: the loss, and the optimizer with a rate a block and averages beside the weights."""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import KerasTensor, ops

from leukemia_tf.training.steps import Step, parse_loss

MOMENTUM = 0.9  # of SGD
ADAMW_DECAY = 4e-3  # Keras's


def build_loss(step: Step) -> keras.losses.Loss:
    """Return the loss on logits. Focal: Lin et al. 2017, arXiv:1708.02002."""
    kind, exponent = parse_loss(step.loss)
    common = {"from_logits": True, "label_smoothing": step.label_smoothing}
    if kind == "focal":
        return keras.losses.BinaryFocalCrossentropy(gamma=exponent, **common)
    return keras.losses.BinaryCrossentropy(**common)


class _ByBlock:
    """Lets lower blocks learn slower, momentum move, and averages stay beside the weights."""

    shares: Mapping[str, float] = {}

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: KerasTensor) -> None:
        """Step at the variable's share of the rate."""
        super().update_step(gradient, variable, learning_rate * self.share(variable))

    def share(self, variable: object) -> float:
        """Return the share of the rate of a variable, Keras's or the backend's."""
        return self.shares.get(self._trainable_variables[self._get_variable_index(variable)].path, 1.0)

    def finalize_variable_values(self, var_list: list) -> None:
        """Leave the weights as they are: `fit` would put the averages in their place after each epoch."""


class Adam(_ByBlock, keras.optimizers.Adam):
    """Adam, its weight decay decoupled; `momentum` moves its first moment's share."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.momentum_now = self.beta_1 = _number(self.beta_1)


class SGD(_ByBlock, keras.optimizers.SGD):
    """Stochastic gradient descent with momentum that can move."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.momentum_now = _number(self.momentum)

    def update_step(self, gradient: KerasTensor, variable: keras.Variable, learning_rate: KerasTensor) -> None:
        """Step at the variable's share of the rate, with the momentum of now."""
        rate = learning_rate * self.share(variable)
        velocity = self.momentums[self._get_variable_index(variable)]
        self.assign(velocity, velocity * self.momentum_now - gradient * ops.cast(rate, variable.dtype))
        self.assign_add(variable, velocity)


class RMSprop(_ByBlock, keras.optimizers.RMSprop):
    """RMSprop, without momentum."""

    momentum_now = None


def _number(value: float) -> keras.Variable:
    return keras.Variable(value, trainable=False, dtype="float32")


def build_optimizer(step: Step, rate: float, shares: Mapping[str, float]) -> keras.optimizers.Optimizer:
    """Return an optimizer.

    Parameters
    ----------
    step : Step
        What is asked.
    rate : float
        The learning rate.
    shares : mapping
        By a variable's path, the share of the rate that it learns at, where that is not all of it.
    """
    usual = ADAMW_DECAY if step.optimizer == "adamw" else 0.0
    decay = usual if step.weight_decay is None else step.weight_decay
    common = {
        "learning_rate": rate,
        "weight_decay": decay or None,
        "global_clipnorm": step.clip or None,
        "use_ema": step.ema > 0,
        "ema_momentum": step.ema or 0.99,
    }
    if step.optimizer == "sgd":
        optimizer = SGD(momentum=MOMENTUM, **common)
    else:
        optimizer = (RMSprop if step.optimizer == "rmsprop" else Adam)(**common)
    optimizer.shares = dict(shares)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def set_pace(optimizer: keras.optimizers.Optimizer, rate: float, momentum: float | None) -> None:
    """Let the next step have this rate and, where it is a number, this momentum."""
    own = inner(optimizer)
    own.learning_rate = rate
    if momentum is not None and own.momentum_now is not None:
        own.momentum_now.assign(momentum)


def inner(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """Return the optimizer itself, out of the wrapper that scales the loss at half precision."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def averages(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """Return the moving averages of the weights that learn; none where there are none."""
    own = inner(optimizer)
    return list(own._model_variables_moving_average) if own.use_ema else []
