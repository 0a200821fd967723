"""Cells on their way into a network: balanced, shuffled, augmented, weighed, batched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from leukemia_tf.data.augment import augment, dihedral, drawn_view, epoch_draws
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


def targets(cells: Sequence[Cell]) -> np.ndarray:
    """Return what a training is told of each cell: float32 [n], its class, or the probability that a network told."""
    return np.array([LABELS.index(cell.label) if cell.pseudo is None else cell.pseudo for cell in cells], np.float32)


View = Callable[[tf.Tensor, tf.Tensor], object]  # numbers of cells, rows of draws -> what a network takes


def cell_view(store: Store, sampling: Sampling) -> View:
    """Return the random views of cells: int32 [k], rows of `epoch_draws` -> uint8 [k, size, size, 3]."""
    return lambda index, draws: augment(store.batch(index), draws, sampling.augment)


def kept_view(fetch: Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]], shapes: Sequence, views: int) -> View:
    """Return the kept features of dihedral views of cells.

    Parameters
    ----------
    fetch : callable
        Numbers of cells and of views, int [k] each -> float [k, ...] an output.
    shapes : sequence of (shape, dtype)
        Of one row of each output.
    views : int
        8, or 1 where cells are not turned.
    """

    def view(index: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, ...]:
        choice = drawn_view(draws) if views > 1 else tf.zeros_like(index)
        dtypes = [dtype for _, dtype in shapes]
        rows = tf.numpy_function(fetch, [index, choice], dtypes, stateful=False)
        return tuple(tf.ensure_shape(values, [None, *shape]) for values, (shape, _) in zip(rows, shapes))

    return view


def training_batches(
    view: View,
    targets: np.ndarray,
    weights: np.ndarray,
    sampling: Sampling,
    batch_size: int,
    seed: int,
    epoch: int,
    first: int = 0,
) -> tf.data.Dataset:
    """Return one epoch of balanced, shuffled and augmented cells.

    Parameters
    ----------
    view : callable
        Random views of the n cells; see `cell_view` and `kept_view`.
    targets, weights : numpy.ndarray
        [n] of 0-1, the class or its probability; float32 [n], as from `cell_weights`.
    sampling : Sampling
        Balance, copies and augmentation.
    batch_size, seed, epoch : int
        The batch, and what the draws depend on.
    first : int
        Batches left out at the beginning.

    Returns
    -------
    tf.data.Dataset
        Batches of (views, float32 [batch, 1], float32 [batch]): cells, targets, weights.
    """
    order = epoch_order((targets >= 0.5).astype(int), sampling, seed, epoch)
    draws = epoch_draws(len(order), seed, epoch)
    partner, share = epoch_mixing(len(order), sampling.augment, seed, epoch)
    mixed = bool((share != 1).any())
    told = tf.constant(targets, tf.float32)[:, None]
    weights = tf.constant(weights * len(order) / weights[order].sum(), tf.float32)

    def plain(index: tf.Tensor, numbers: tf.Tensor) -> tuple:
        return view(index, numbers), tf.gather(told, index), tf.gather(weights, index)

    def blended(index: tf.Tensor, numbers: tf.Tensor, other: tf.Tensor, kept: tf.Tensor) -> tuple[tf.Tensor, ...]:
        other_index = tf.gather(tf.constant(order), other)
        other_cells = view(other_index, tf.gather(tf.constant(draws), other))
        labelled = tf.gather(told, index), tf.gather(told, other_index)
        cells, label = mix(view(index, numbers), other_cells, *labelled, kept, numbers)
        return cells, label, tf.gather(weights, index)

    columns = (order, draws, partner, share) if mixed else (order, draws)
    batches = tf.data.Dataset.from_tensor_slices(columns).batch(batch_size).skip(first)
    return batches.map(blended if mixed else plain, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def epoch_views(labels: np.ndarray, sampling: Sampling, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which cells an epoch sees, in which dihedral view: int [m] each."""
    order = epoch_order(labels, sampling, seed, epoch)
    if not sampling.augment.dihedral:
        return order, np.zeros_like(order)
    return order, drawn_view(epoch_draws(len(order), seed, epoch)).numpy()


def view_batches(store: Store, indices: np.ndarray, views: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return cells in dihedral views, int [k] each, in batches of uint8 [batch, size, size, 3]."""
    pairs = tf.data.Dataset.from_tensor_slices((indices.astype(np.int32), views.astype(np.int32))).batch(batch_size)
    return pairs.map(lambda index, view: dihedral(store.batch(index), view), tf.data.AUTOTUNE).prefetch(2)


def prediction_batches(cells: Store | np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return cells as they are, in order, in batches of uint8 [batch, size, size, 3]."""
    if isinstance(cells, np.ndarray):
        return tf.data.Dataset.from_tensor_slices(cells).batch(batch_size).prefetch(1)
    indices = tf.data.Dataset.range(len(cells), output_type=tf.int32).batch(batch_size)
    return indices.map(cells.batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)


def side_by_side(parts: Sequence[tf.data.Dataset]) -> tf.data.Dataset:
    """Return batches of several pictures of each cell, as a network with so many inputs takes them."""
    return parts[0] if len(parts) == 1 else tf.data.Dataset.zip(tuple(parts)).map(lambda *cells: (cells,))


def kept_batches(outputs: Sequence[np.ndarray], batch_size: int) -> tf.data.Dataset:
    """Return kept features, float [n, ...] an output, in order, in batches."""
    return tf.data.Dataset.from_tensor_slices((tuple(outputs),)).batch(batch_size)
