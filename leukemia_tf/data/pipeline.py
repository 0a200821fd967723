"""Cells on their way into a network: read once, kept as uint8, balanced, shuffled, augmented, batched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from leukemia_tf.data.augment import dihedral
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.preprocess import cell_from_bytes
from leukemia_tf.data.settings import Preprocessing

BALANCE, SHUFFLE, AUGMENT = range(3)  # what a draw is for; the second half of its seed begins with it


def load_cells(
    folder: Path, cells: Sequence[Cell], settings: Preprocessing, title: str = "preparing cells"
) -> np.ndarray:
    """Read and preprocess cells.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    cells : sequence of Cell
        Which images; they are known to be readable.
    settings : Preprocessing
        The crop and the size.
    title : str
        Of the progress bar.

    Returns
    -------
    numpy.ndarray
        uint8 [n, image_size, image_size, 3], RGB, 0-255.
    """
    size = settings.image_size
    out = np.empty((len(cells), size, size, 3), np.uint8)
    paths = tf.data.Dataset.from_tensor_slices([str(folder / cell.path) for cell in cells])
    pictures = paths.map(
        lambda path: cell_from_bytes(tf.io.read_file(path), settings), num_parallel_calls=tf.data.AUTOTUNE
    )
    with tqdm(total=len(cells), desc=title, unit="cell", leave=False) as bar:
        for index, picture in enumerate(pictures.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()):
            out[index] = picture
            bar.update()
    return out


def classes(cells: Sequence[Cell]) -> np.ndarray:
    """Return each cell's class: int32 [n], 1 for `all`, 0 for `hem`."""
    return np.array([LABELS.index(cell.label) for cell in cells], np.int32)


def epoch_order(labels: np.ndarray, seed: int, epoch: int) -> tf.Tensor:
    """Draw which cells an epoch sees, in which order: every cell, and the smaller class repeated up to the larger.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], 0 or 1.
    seed, epoch : int
        What the draw depends on.

    Returns
    -------
    tf.Tensor
        int32 [2 * size of the larger class]: indices of cells, as many of each class.
    """
    largest = np.bincount(labels).max()
    parts = []
    for label in np.unique(labels):
        members = tf.random.experimental.stateless_shuffle(
            np.flatnonzero(labels == label).astype(np.int32), seed=[seed, epoch * 8 + BALANCE]
        )
        parts.append(tf.gather(members, tf.range(largest) % len(members)))
    return tf.random.experimental.stateless_shuffle(tf.concat(parts, 0), seed=[seed, epoch * 8 + SHUFFLE])


def training_batches(cells: tf.Tensor, labels: np.ndarray, batch_size: int, seed: int, epoch: int) -> tf.data.Dataset:
    """Return one epoch of balanced, shuffled, turned and flipped cells.

    Parameters
    ----------
    cells : tf.Tensor
        uint8 [n, size, size, 3].
    labels : numpy.ndarray
        int [n], 0 or 1.
    batch_size, seed, epoch : int
        The batch, and what the draws depend on.

    Returns
    -------
    tf.data.Dataset
        Batches of (uint8 [batch, size, size, 3], float32 [batch, 1]).
    """
    order = epoch_order(labels, seed, epoch)
    views = tf.random.stateless_uniform(tf.shape(order), [seed, epoch * 8 + AUGMENT], 0, 8, tf.int32)
    targets = tf.constant(labels, tf.float32)[:, None]

    def batch(indices: tf.Tensor, choices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return dihedral(tf.gather(cells, indices), choices), tf.gather(targets, indices)

    batches = tf.data.Dataset.from_tensor_slices((order, views)).batch(batch_size)
    return batches.map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def prediction_batches(cells: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Return cells as they are, in order, in batches of uint8 [batch, size, size, 3]."""
    return tf.data.Dataset.from_tensor_slices(cells).batch(batch_size).prefetch(1)
