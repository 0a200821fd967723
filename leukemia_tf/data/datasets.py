"""The batches that a network takes: balanced, shuffled, augmented and weighted for training, as they are otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.augmentation import augment, chosen_view
from leukemia_tf.data.balance import Sampling, epoch_order
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.draws import epoch_draws
from leukemia_tf.data.mixing import epoch_mixing, mix
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import Store, open_store


def load_cell_arrays(
    folder: Path, cells: Sequence[Cell], settings: Preprocessing, title: str = "preparing cells"
) -> np.ndarray:
    """Read and preprocess cells into memory: uint8 [n, image_size, image_size, 3], RGB, 0-255; see `open_store`."""
    return cast("np.ndarray", open_store(folder, cells, settings, "memory", title).array)


def classes(cells: Sequence[Cell]) -> np.ndarray:
    """Return each cell's class: int32 [n], 1 for `all`, 0 for `hem`."""
    return np.array([LABELS.index(cell.label) for cell in cells], np.int32)


def targets(cells: Sequence[Cell]) -> np.ndarray:
    """Return the training target of each cell: float32 [n], its class, or its pseudo-label's probability."""
    return np.array([LABELS.index(cell.label) if cell.pseudo is None else cell.pseudo for cell in cells], np.float32)


do_not_convert = tf.autograph.experimental.do_not_convert  # there is nothing to convert, and looking takes seconds
View = Callable[[tf.Tensor, tf.Tensor], Any]  # indices of cells, rows of draws -> a batch of what a network takes


def cell_view(store: Store, settings: Augmentation) -> View:
    """Return the random views of cells: int32 [k], rows of `epoch_draws` -> uint8 [k, size, size, 3]."""
    return _traced(lambda index, draws: augment(store.batch(index), draws, settings))


def drawn_view(store: Store) -> View:
    """Return cells beside their draws, for a step that augments them: uint8 [k, size, size, 3], rows of draws."""
    return _traced(lambda index, draws: (store.batch(index), draws))


def cached_view(
    fetch: Callable[[np.ndarray, np.ndarray], Sequence[np.ndarray]],
    shapes: Sequence[tuple[Sequence[int], Any]],
    views: int,
) -> View:
    """Return the cached features of fixed views of cells.

    Parameters
    ----------
    fetch : callable
        Indices of cells and of views, int [k] each -> float [k, ...] per output.
    shapes : sequence of (shape, dtype)
        Of one row of each output.
    views : int
        Fixed views of a cell.
    """

    def view(index: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, ...]:
        dtypes = [dtype for _, dtype in shapes]
        rows = tf.numpy_function(fetch, [index, chosen_view(draws, views)], dtypes, stateful=False)
        return tuple(tf.ensure_shape(values, [None, *shape]) for values, (shape, _) in zip(rows, shapes))

    return _traced(view)


def _traced(view: View) -> View:
    """Return a view that is traced once, for the first batches that are drawn from it."""
    return tf.function(view, reduce_retracing=True, autograph=False)


def training_batches(
    view: View,
    targets: np.ndarray,
    weights: np.ndarray,
    sampling: Sampling,
    batch_size: int,
    seed: int,
    epoch: int,
    first: int = 0,
    patients: np.ndarray | None = None,
) -> tf.data.Dataset:
    """Return one epoch of balanced, shuffled and augmented cells.

    Parameters
    ----------
    view : callable
        Random views of the n cells; see `cell_view` and `cached_view`.
    targets, weights : numpy.ndarray
        [n], 0-1, as from `targets`; float32 [n], as from `class_weights`.
    sampling : Sampling
        Balance, copies and augmentation.
    batch_size, seed, epoch : int
        The batch, and what the draws depend on.
    first : int
        Batches to skip.
    patients : numpy.ndarray, optional
        str [n], as `epoch_order` takes them.

    Returns
    -------
    tf.data.Dataset
        Batches of (views, float32 [batch, 1], float32 [batch]): cells, targets, weights.
    """
    order = epoch_order((targets >= 0.5).astype(int), sampling, seed, epoch, patients)
    draws = epoch_draws(len(order), seed, epoch)
    partner, share = epoch_mixing(len(order), sampling.augment, seed, epoch)
    mixed = bool((share != 1).any())
    all_targets = tf.constant(targets, tf.float32)[:, None]
    all_weights = tf.constant(weights * len(order) / weights[order].sum(), tf.float32)

    @do_not_convert
    def plain(index: tf.Tensor, row: tf.Tensor) -> tuple[Any, tf.Tensor, tf.Tensor]:
        return view(index, row), tf.gather(all_targets, index), tf.gather(all_weights, index)

    @do_not_convert
    def blended(
        index: tf.Tensor, row: tf.Tensor, other: tf.Tensor, own_share: tf.Tensor
    ) -> tuple[Any, tf.Tensor, tf.Tensor]:
        cells, target, weight = plain(index, row)
        other_cells, other_target, _ = plain(tf.gather(tf.constant(order), other), tf.gather(tf.constant(draws), other))
        return *mix(cells, other_cells, target, other_target, own_share, row), weight

    columns = (order, draws, partner, share) if mixed else (order, draws)
    batches = tf.data.Dataset.from_tensor_slices(columns).batch(batch_size).skip(first)
    return batches.map(blended if mixed else plain, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def epoch_views(
    labels: np.ndarray, sampling: Sampling, seed: int, epoch: int, views: int, patients: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of an epoch's cells, and which of their fixed views it takes: int [m] each."""
    order = epoch_order(labels, sampling, seed, epoch, patients)
    return order, chosen_view(epoch_draws(len(order), seed, epoch), views).numpy()


def view_batches(view: View, indices: np.ndarray, draws: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return what `cell_view` makes of cells, in batches: int [k]; float32 [k, transforms, numbers]."""
    pairs = tf.data.Dataset.from_tensor_slices((indices.astype(np.int32), draws)).batch(batch_size)
    return pairs.map(view, tf.data.AUTOTUNE).prefetch(2)


def prediction_batches(cells: Store | np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return cells without augmentation, in order, in batches of uint8 [batch, size, size, 3]."""
    if isinstance(cells, np.ndarray):
        return tf.data.Dataset.from_tensor_slices(cells).batch(batch_size).prefetch(1)
    indices = tf.data.Dataset.range(len(cells), output_type=tf.int32).batch(batch_size)
    return indices.map(do_not_convert(cells.batch), num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)


def zip_inputs(parts: Sequence[tf.data.Dataset]) -> tf.data.Dataset:
    """Return batches for a network with several inputs, from the batches of each input."""
    return (
        parts[0] if len(parts) == 1 else tf.data.Dataset.zip(tuple(parts)).map(do_not_convert(lambda *cells: (cells,)))
    )


def cached_batches(outputs: Sequence[np.ndarray], batch_size: int) -> tf.data.Dataset:
    """Return cached features, float [n, ...] per output, in order, in batches."""
    return tf.data.Dataset.from_tensor_slices((tuple(outputs),)).batch(batch_size)
