"""How many cells a step takes on a GPU: as many as still make it faster, within memory and the steps of an epoch."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.data.draws import NUMBERS, TRANSFORMS
from leukemia_tf.training.augmented_steps import AugmentedSteps

log = logging.getLogger("leukemia_tf")

USUAL = 32  # cells, the default
GAIN = 1.1  # in cells a second, without which twice the cells are not worth it
STEPS = 3  # timed, after one that compiles
FEWEST_STEPS = 16  # of an epoch
LINEAR = ("sgd",)  # optimizers whose rate grows as the batch does, by Goyal et al. 2017, arXiv:1706.02677


def find_batch_size(seconds: Callable[[int], float], largest: int) -> int:
    """Double the cells of a step until it is no longer faster by a tenth, or does not fit.

    Parameters
    ----------
    seconds : callable
        Cells of a step -> seconds that it takes; raises `tf.errors.ResourceExhaustedError` where memory lacks.
    largest : int
        The most cells.

    Returns
    -------
    int
        The last number that was worth it; below the usual one only where that does not fit.

    Raises
    ------
    tf.errors.ResourceExhaustedError
        If a step of one cell does not fit.
    """
    size = USUAL
    while True:
        try:
            rate = size / seconds(size)
            break
        except tf.errors.ResourceExhaustedError:
            if size == 1:
                raise
            size //= 2
    log.info("  %5d cells a step: %7.1f cells/s", size, rate)
    while size >= USUAL and 2 * size <= largest:
        try:
            faster = 2 * size / seconds(2 * size)
        except tf.errors.ResourceExhaustedError:
            log.info("  %5d cells a step do not fit", 2 * size)
            break
        log.info("  %5d cells a step: %7.1f cells/s", 2 * size, faster)
        if faster < GAIN * rate:
            break
        size, rate = 2 * size, faster
    return size


def largest_batch(cells: int) -> int:
    """Return the most cells of a step with which an epoch of so many still has steps enough to learn from."""
    return max(USUAL, cells // FEWEST_STEPS)


def rate_factor(batch_size: int, optimizer: str) -> float:
    """Return what the learning rate is multiplied with at a batch of so many cells, in place of the usual number.

    The root of the batch's growth, for Adam and its like (Malladi et al. 2022, arXiv:2205.10287); for SGD the growth.
    """
    growth = batch_size / USUAL
    return growth if optimizer in LINEAR else math.sqrt(growth)


def time_steps(trainer: keras.Model, batch_size: int) -> float:
    """Return the seconds of a training step on cells of random pixels; it changes the weights.

    Parameters
    ----------
    trainer : keras.Model
        Compiled; from cells, uint8 [n, size, size, 3], to the logit.
    batch_size : int
        Cells of the step.
    """
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 256, (batch_size, *trainer.input_shape[1:]), np.uint8)
    draws = rng.random((batch_size, len(TRANSFORMS), NUMBERS), np.float32)
    targets = rng.integers(0, 2, (batch_size, 1)).astype(np.float32)
    taken = (cells, draws) if isinstance(trainer, AugmentedSteps) else cells
    batches = tf.data.Dataset.from_tensors((taken, targets)).cache().repeat(STEPS)
    trainer.fit(batches.take(1), shuffle=False, verbose=0)
    began = time.perf_counter()
    trainer.fit(batches, shuffle=False, verbose=0)
    return (time.perf_counter() - began) / STEPS
