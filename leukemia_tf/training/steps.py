"""What a training step is asked: loss, optimizer and what keeps it in bounds; checked, without Keras."""

from __future__ import annotations

from dataclasses import dataclass

from leukemia_tf.errors import UserError, nearest

OPTIMIZERS = ("adam", "adamw", "sgd", "rmsprop")
LOSSES = ("cross-entropy", "focal")


@dataclass(frozen=True)
class Step:
    """What a training step does with a batch.

    Parameters
    ----------
    optimizer : str
        `adam`, `adamw`, `sgd` (momentum 0.9) or `rmsprop`.
    loss : str
        `cross-entropy`, or `focal` with its exponent, as in `focal:2`.
    label_smoothing : float
        Share of each label moved to one half, 0-1.
    weight_decay : float or None
        Share of each weight taken away a step, times the rate; biases and BatchNormalization's have none. None is 0,
        for `adamw` Keras's 0.004.
    clip : float
        Largest norm of all gradients together; 0 for any.
    ema : float
        Share that the weights' moving average keeps at each step; it is the average that is validated and kept. 0 for
        none.

    Raises
    ------
    UserError
        If a setting is none of these.
    """

    optimizer: str = "adam"
    loss: str = "cross-entropy"
    label_smoothing: float = 0.0
    weight_decay: float | None = None
    clip: float = 0.0
    ema: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.optimizer not in OPTIMIZERS:
            raise UserError(f"--optimizer {self.optimizer}: {nearest(self.optimizer, OPTIMIZERS)}")
        parse_loss(self.loss)
        for flag in ("label_smoothing", "ema"):
            if not 0 <= getattr(self, flag) < 1:
                raise UserError(f"--{flag.replace('_', '-')} {getattr(self, flag):g}: it takes 0 to below 1.")
        for flag in ("weight_decay", "clip"):
            if not (getattr(self, flag) or 0.0) >= 0:
                raise UserError(f"--{flag.replace('_', '-')} {getattr(self, flag):g}: it takes 0 or more.")


def parse_loss(text: str) -> tuple[str, float]:
    """Return a loss and its exponent (0 where it has none).

    Raises
    ------
    UserError
        If there is no such loss.
    """
    kind, colon, number = text.partition(":")
    if kind not in LOSSES:
        raise UserError(f"--loss {text}: no such loss; {nearest(kind, LOSSES)}")
    if kind != "focal":
        if colon:
            raise UserError(f"--loss {text}: write it as `{kind}`.")
        return kind, 0.0
    try:
        exponent = float(number) if colon else 2.0
    except ValueError:
        exponent = -1.0
    if not 0 <= exponent < 100:
        raise UserError(f"--loss {text}: write it as `focal:2`.")
    return kind, exponent
