"""The random numbers behind every view of a cell, keyed by what they are for; NumPy alone."""

from __future__ import annotations

import zlib
from dataclasses import fields
from typing import Any

import numpy as np

from leukemia_tf.config import Augmentation

TURNS = 8  # and flips: the dihedral views
NUMBERS = 4  # uniform numbers per transform: whether, and up to three of how much
TRANSFORMS = tuple(column.name for column in fields(Augmentation))
MIXING = ("mixup", "cutmix")  # of two cells: leukemia_tf.data.mixing


def generator(seed: int, epoch: int, name: str) -> np.random.Generator:
    """Return the source of the draws that serve one purpose in one epoch."""
    return np.random.default_rng([seed, epoch, zlib.crc32(name.encode())])


def epoch_draws(count: int, seed: int, epoch: int) -> np.ndarray:
    """Draw the uniform numbers of an epoch: float32 [count, transforms, NUMBERS], 0-1."""
    draws = [generator(seed, epoch, name).random((count, NUMBERS), np.float32) for name in TRANSFORMS]
    return np.stack(draws, axis=1)


def draws_of(draws: Any, name: str) -> Any:
    """Return one transform's draws, in the kind of array that they come in: float32 [n, NUMBERS], 0-1."""
    return draws[:, TRANSFORMS.index(name)]


def is_on(settings: Augmentation, name: str) -> bool:
    """Return whether a transform, `dihedral` aside, is ever applied."""
    return getattr(settings, name)[0] > 0
