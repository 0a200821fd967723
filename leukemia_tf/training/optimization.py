"""Loss and optimizer of a training, as settings: checked, without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leukemia_tf.core.errors import ArgumentError, nearest


@dataclass(frozen=True)
class Optimizer:
    """An optimizer that `optimizer` names.

    Parameters
    ----------
    constructor : str
        `module:class`; one of Keras's own gets a rate per block when it is built.
    options : mapping
        What the class is called with, beside the settings.
    weight_decay : float
        Where the settings leave it open.
    settings : tuple of str
        Settings that no other optimizer has, each named as the argument of the class.
    """

    constructor: str
    options: Mapping[str, float] = field(default_factory=dict)
    weight_decay: float = 0.0
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loss:
    """A loss that `loss` names.

    Parameters
    ----------
    constructor : str
        `module:class` of a loss on logits; takes `from_logits` and `label_smoothing`.
    argument : str
        The name of the number that may follow, as in `focal:2`; empty where none may.
    default : float
        That number, where none follows.
    """

    constructor: str
    argument: str = ""
    default: float = 0.0


MOMENTUM = 0.9
OPTIMIZERS = {
    "adam": Optimizer("leukemia_tf.training.optimizers:Adam"),
    "adamw": Optimizer("leukemia_tf.training.optimizers:Adam", weight_decay=4e-3),  # Keras's
    "sgd": Optimizer("leukemia_tf.training.optimizers:SGD", settings=("momentum",)),
    "rmsprop": Optimizer("keras.optimizers:RMSprop"),
}
LOSSES = {
    "cross-entropy": Loss("keras.losses:BinaryCrossentropy"),
    "focal": Loss("keras.losses:BinaryFocalCrossentropy", "gamma", 2.0),  # Lin et al. 2017, arXiv:1708.02002
}


@dataclass(frozen=True)
class OptimizationConfig:
    """What a training step does with a batch.

    Parameters
    ----------
    optimizer : str
        `adam`, `adamw`, `sgd` or `rmsprop`.
    loss : str
        `cross-entropy`, or `focal` with its exponent, as in `focal:2`.
    label_smoothing : float
        Share of each label moved to one half, 0-1.
    weight_decay : float or None
        Share of each weight taken away per step, times the rate; biases and BatchNormalization's have none. None is 0,
        for `adamw` Keras's 0.004.
    clip : float
        Largest norm of all gradients together; 0 for any.
    ema : float
        Momentum of the weights' exponential moving average, which is validated and saved in their place; 0 for none.
    momentum : float
        Of `sgd`, 0 to below 1; a one-cycle schedule moves it.

    Raises
    ------
    ArgumentError
        If a setting is none of these.
    """

    optimizer: str = "adam"
    loss: str = "cross-entropy"
    label_smoothing: float = 0.0
    weight_decay: float | None = None
    clip: float = 0.0
    ema: float = 0.0
    momentum: float = MOMENTUM

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.optimizer not in OPTIMIZERS:
            raise ArgumentError("optimizer", self.optimizer, nearest(self.optimizer, OPTIMIZERS))
        parse_loss(self.loss)
        for name in ("label_smoothing", "ema", "momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ArgumentError(name, getattr(self, name), "it takes 0 to below 1.")
        for name in ("weight_decay", "clip"):
            if not (getattr(self, name) or 0.0) >= 0:
                raise ArgumentError(name, getattr(self, name), "it takes 0 or more.")
        if self.momentum != MOMENTUM and "momentum" not in OPTIMIZERS[self.optimizer].settings:
            raise ArgumentError("momentum", self.momentum, f"`optimizer={self.optimizer}` has none: it is for sgd.")


def parse_loss(text: str) -> tuple[Loss, float]:
    """Return a loss and the number that follows it, as in `focal:2`.

    Raises
    ------
    ArgumentError
        If there is no such loss.
    """
    kind, colon, number = text.partition(":")
    if kind not in LOSSES:
        raise ArgumentError("loss", text, f"no such loss; {nearest(kind, LOSSES)}")
    loss = LOSSES[kind]
    if not loss.argument:
        if colon:
            raise ArgumentError("loss", text, f"write it as `{kind}`.")
        return loss, 0.0
    try:
        value = float(number) if colon else loss.default
    except ValueError:
        value = -1.0
    if not 0 <= value < 100:
        raise ArgumentError("loss", text, f"write it as `{kind}:{loss.default:g}`.")
    return loss, value
