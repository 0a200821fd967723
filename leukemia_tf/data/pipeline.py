"""Cells on their way into a network: balanced, shuffled, augmented, weighed, batched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from leukemia_tf.data.augment import augment, epoch_draws
from leukemia_tf.data.balance import Sampling, epoch_order
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.mixing import epoch_mixing, mix
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.data.store import Store, open_store


def load_cells(
    folder: Path, cells: Sequence[Cell], settings: Preprocessing, title: str = "preparing cells"
) -> np.ndarray:
    """Read and preprocess cells into memory: uint8 [n, image_size, image_size, 3], RGB, 0-255; see `open_store`."""
    return open_store(folder, cells, settings, "memory", title).array


def classes(cells: Sequence[Cell]) -> np.ndarray:
    """Return each cell's class: int32 [n], 1 for `all`, 0 for `hem`."""
    return np.array([LABELS.index(cell.label) for cell in cells], np.int32)


def training_batches(
    store: Store,
    labels: np.ndarray,
    weights: np.ndarray,
    sampling: Sampling,
    batch_size: int,
    seed: int,
    epoch: int,
) -> tf.data.Dataset:
    """Return one epoch of balanced, shuffled and augmented cells.

    Parameters
    ----------
    store : Store
        The n cells.
    labels, weights : numpy.ndarray
        int [n], 0 or 1; float32 [n], as from `cell_weights`.
    sampling : Sampling
        Balance, copies and augmentation.
    batch_size, seed, epoch : int
        The batch, and what the draws depend on.

    Returns
    -------
    tf.data.Dataset
        Batches of (uint8 [batch, size, size, 3], float32 [batch, 1], float32 [batch]): cells, labels, weights.
    """
    order = epoch_order(labels, sampling, seed, epoch)
    draws = epoch_draws(len(order), seed, epoch)
    partner, share = epoch_mixing(len(order), sampling.augment, seed, epoch)
    mixed = bool((share != 1).any())
    targets = tf.constant(labels, tf.float32)[:, None]
    weights = tf.constant(weights * len(order) / weights[order].sum(), tf.float32)

    def seen(indices: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        return augment(store.batch(indices), numbers, sampling.augment)

    def plain(index: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return seen(index, numbers), tf.gather(targets, index), tf.gather(weights, index)

    def blended(index: tf.Tensor, numbers: tf.Tensor, other: tf.Tensor, kept: tf.Tensor) -> tuple[tf.Tensor, ...]:
        other_index = tf.gather(tf.constant(order), other)
        other_cells = seen(other_index, tf.gather(tf.constant(draws), other))
        labelled = tf.gather(targets, index), tf.gather(targets, other_index)
        cells, label = mix(seen(index, numbers), other_cells, *labelled, kept, numbers)
        return cells, label, tf.gather(weights, index)

    columns = (order, draws, partner, share) if mixed else (order, draws)
    batches = tf.data.Dataset.from_tensor_slices(columns).batch(batch_size)
    return batches.map(blended if mixed else plain, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def prediction_batches(cells: Store | np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return cells as they are, in order, in batches of uint8 [batch, size, size, 3]."""
    if isinstance(cells, np.ndarray):
        return tf.data.Dataset.from_tensor_slices(cells).batch(batch_size).prefetch(1)
    indices = tf.data.Dataset.range(len(cells), output_type=tf.int32).batch(batch_size)
    return indices.map(cells.batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)
