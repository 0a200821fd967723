"""The stages of a training: the head on a frozen base, then block by block from the top."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

HEAD_RATE = 1e-3
FINE_TUNING_RATE = 1e-5
FROM_SCRATCH_EPOCHS = 16
STAGE_EPOCHS = 6


@dataclass(frozen=True)
class Stage:
    """A span of training with a fixed set of learning blocks and one rate.

    Parameters
    ----------
    name : str
        What history.csv calls it.
    learning : tuple of str
        Blocks of the base that learn; the head always does.
    learning_rate : float
        Adam's.
    epochs : int
        The most it may take.
    patience : int
        It ends after so many epochs without a better validation score.
    """

    name: str
    learning: tuple[str, ...]
    learning_rate: float
    epochs: int
    patience: int


def progressive(blocks: Sequence[str], pretrained: Collection[str], epochs: int | None = None) -> tuple[Stage, ...]:
    """Plan progressive unfreezing.

    Random blocks learn from the start: there is no frozen stage of random features. With no pretrained block there
    is one stage, in which everything learns.

    Parameters
    ----------
    blocks : sequence of str
        Names of the base's blocks, from input to output.
    pretrained : collection of str
        Those whose weights were loaded.
    epochs : int, optional
        The most a stage may take.

    Returns
    -------
    tuple of Stage
        In order.
    """
    random = tuple(block for block in blocks if block not in pretrained)
    if not pretrained:
        most = epochs or FROM_SCRATCH_EPOCHS
        return (Stage("whole", random, HEAD_RATE, most, patience=max(5, most // 2)),)
    most = epochs or STAGE_EPOCHS
    stages = [Stage("head", random, HEAD_RATE, most, patience=3)]
    learning = random
    for block in reversed([block for block in blocks if block in pretrained]):
        learning = (block, *learning)
        stages.append(Stage(f"unfreeze {block}", learning, FINE_TUNING_RATE, most, patience=2))
    return tuple(stages)
