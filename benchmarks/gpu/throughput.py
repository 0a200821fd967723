"""Cells a second of forward pass, feature extraction and training step, on JAX, and what share of the peak that is."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from cells import build
from device_views import Forward, take_cells
from operations import operations
from steps import Steps

from leukemia_tf.config import Augmentation
from leukemia_tf.config.settings import mild_augmentation
from leukemia_tf.data.draws import epoch_draws
from leukemia_tf.models.heads import HEADS, Head
from leukemia_tf.models.pretrained import Network

PLAIN = Head(units=(), dropout=0.0)  # mean pooling and one logit, as PyTorch has it
SECONDS, MOST = 1.5, 50  # of a timing; calls in it
MATRIX = 8192


def timed(call: Callable[[], Any], most: int = MOST) -> float:
    """Return the seconds of a call: the mean of as many as fit into a second and a half, behind two that compile."""
    for _ in range(2):
        jax.block_until_ready(call())
    began, count = time.perf_counter(), 0
    while count < most and time.perf_counter() - began < SECONDS:
        out = call()
        count += 1
        if count % 5 == 0:  # no further ahead than a few calls
            jax.block_until_ready(out)
    jax.block_until_ready(out)
    return (time.perf_counter() - began) / count


def matrix_peak(dtype: str, side: int = MATRIX) -> float:
    """Return the measured floating-point operations a second of a square matrix product."""
    matrix = jnp.ones((side, side), dtype)
    product = jax.jit(lambda a, b: a @ b)
    return 2 * side**3 / timed(lambda: product(matrix, matrix))


def jax_row(base: str, size: int, precision: str, batch: int, weights: Path | None) -> dict[str, float]:
    """Return cells a second of a truncated network: `forward`, `features`, `train`, `train_augmented`, `augment`.

    Parameters
    ----------
    base : str
        A backbone.
    size, batch : int
        Side of the cells; cells of a call.
    precision : str
        `float32`, or `mixed_bfloat16`.
    weights : pathlib.Path, optional
        Of the backbone; random ones are as fast.
    """
    keras.config.set_dtype_policy(precision)
    cells = jnp.asarray(np.random.default_rng(0).integers(0, 256, (batch, size, size, 3), np.uint8))
    plain, deep = (build(base, size, head, 0, weights) for head in (PLAIN, HEADS["multi-depth"]))
    pooled = Forward(keras.Model(deep.model.input, deep.model.get_layer("depths").output))
    whole = Forward(plain.model)
    row = {
        "forward": batch / timed(lambda: whole(cells, batch)),
        "features": batch / timed(lambda: pooled(cells, batch)),
        "augment": batch / timed(_augmenting(cells)),
    }
    for name, settings in (("train", Augmentation(dihedral=False)), ("train_augmented", mild_augmentation())):
        row[name] = batch / timed(_training(plain, cells, settings))
    return {**row, "operations": operations(plain.model)}


def _augmenting(cells: Any) -> Callable[[], Any]:
    draws, index = epoch_draws(len(cells), 0, 0), np.arange(len(cells))
    take = jax.jit(take_cells(mild_augmentation()))
    return lambda: take(cells, index, draws)


def _training(network: Network, cells: Any, settings: Augmentation) -> Callable[[], Any]:
    """Return a training step of every block, BatchNormalization fixed, as in the product's last stage."""
    steps = Steps(network, [block.name for block in network.blocks], take_cells(settings))
    count, state = len(cells), [steps.start()]
    rates = [np.float32(1)] * len(steps.trainer.trainable_variables)
    batch = (
        np.arange(count),
        epoch_draws(count, 0, 0),
        (np.arange(count) % 2).astype(np.float32)[:, None],
        np.ones(count, np.float32),
    )

    def call() -> Any:
        state[0], value = steps.compiled(state[0], np.float32(1e-6), rates, cells, batch)
        return value

    return call
