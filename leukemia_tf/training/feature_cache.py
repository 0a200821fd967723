"""Cached features in memory: outputs of frozen layers, computed once for each view of each cell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import psutil
import tensorflow as tf
from keras import KerasTensor
from tqdm import tqdm

from leukemia_tf.config import Augmentation
from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.timing import timed
from leukemia_tf.data.datasets import cell_view, view_batches
from leukemia_tf.data.fixed_views import fixed_draws, view_names
from leukemia_tf.training.devices import has_gpu
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_files import FeatureFiles

STORED = 1024  # rows in a file
TITLE = "features of the frozen layers"
BATCH = 32  # always full, so that a row's bits do not depend on what else is computed
GPU_BATCH = 256  # beyond it a GPU is hardly faster; halved where it does not fit
LARGEST_SHARE = 0.3  # of all memory, not of the free: what is cached must not depend on the moment


class FeatureStore:
    """Outputs of a frozen network for views of cells.

    Parameters
    ----------
    prefix : keras.Model
        From cells to the outputs that are cached.
    examples : Examples
        The n cells.
    augment : Augmentation
        Whose fixed views there are; the first is the cell as it is.
    files : FeatureFiles or None
        Where they are stored between runs.
    computing : keras.Model, optional
        A network that computes the same outputs, in place of `prefix`.

    Attributes
    ----------
    row_kinds : list of (shape, dtype)
        Of one row of each output.
    arrays : list of numpy.ndarray
        float [views, n, ...], one per output.
    """

    def __init__(
        self,
        prefix: keras.Model,
        examples: Examples,
        augment: Augmentation,
        files: FeatureFiles | None,
        computing: keras.Model | None = None,
    ) -> None:
        self.prefix, self.examples, self.augment, self.files = prefix, examples, augment, files
        self.computing = computing or prefix
        self.draws = fixed_draws(examples.hashes, augment)
        self.view = cell_view(examples.cells, augment)
        self.names = view_names(augment, len(self.draws))
        self.batch = GPU_BATCH if has_gpu() else BATCH
        self.computed = np.zeros(self.draws.shape[:2], bool)
        self.row_kinds = [(tuple(tensor.shape[1:]), _stored_dtype(tensor.dtype)) for tensor in prefix.outputs]
        self.arrays = [np.empty((*self.computed.shape, *shape), dtype) for shape, dtype in self.row_kinds]
        if files:
            files.read(self.arrays, self.computed, examples.hashes, self.names)

    def fill(self, indices: np.ndarray, views: np.ndarray, title: str) -> None:
        """Compute what is missing of these cells in these views: int [k] each."""
        pairs = np.unique(np.stack([views, indices]), axis=1)
        views, indices = pairs[:, ~self.computed[pairs[0], pairs[1]]]
        if not len(indices):
            return
        with timed(TITLE), progress_bar(total=len(indices), title=title, unit="cell") as bar:
            for start in range(0, len(indices), STORED):  # a kill loses no more
                rows = slice(start, start + STORED)
                self._compute(indices[rows], views[rows], bar)

    def fill_all(self) -> None:
        """Compute what is missing, of all cells in all views."""
        views, indices = np.indices(self.computed.shape)
        self.fill(indices.ravel(), views.ravel(), TITLE)

    def _compute(self, indices: np.ndarray, views: np.ndarray, bar: tqdm) -> None:
        """Compute, and store on disk; in smaller batches where memory lacks."""
        done = 0
        while done < len(indices):
            try:
                for rows, outputs in self._outputs(indices, views, done):
                    for array, values in zip(self.arrays, outputs, strict=True):
                        array[views[rows], indices[rows]] = values[: rows.stop - rows.start]
                    bar.update(rows.stop - rows.start)
                    done = rows.stop
            except tf.errors.ResourceExhaustedError:
                if self.batch == 1:
                    raise
                self.batch //= 2
        self.computed[views, indices] = True
        if self.files:
            stored = [array[views, indices] for array in self.arrays]
            self.files.write(stored, [self.examples.hashes[index] for index in indices], self.names[views])

    def _outputs(self, indices: np.ndarray, views: np.ndarray, first: int) -> Iterator[tuple[slice, list[np.ndarray]]]:
        """Yield rows from the first on, and the frozen network's outputs for them, padded to a batch."""
        count, size = len(indices), self.batch
        padded = np.resize(np.arange(first, count), size * math.ceil((count - first) / size))
        draws = self.draws[views[padded], indices[padded]]
        batches = view_batches(self.view, indices[padded], draws, size)
        for start, batch in zip(range(first, count, size), batches):
            outputs = self.computing.predict_on_batch(batch)
            yield (
                slice(start, min(start + size, count)),
                (list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]),
            )

    def holds(self, outputs: Sequence[KerasTensor], examples: Examples) -> bool:
        """Return whether these outputs of these cells are among the store's."""
        same = list(map(id, outputs)) == list(map(id, self.prefix.outputs))
        return same and set(examples.hashes) <= set(self.examples.hashes)

    def rows(self, indices: np.ndarray, views: np.ndarray) -> list[np.ndarray]:
        """Return cached outputs: float [k, ...] each."""
        return [array[views, indices] for array in self.arrays]


class SharedFeatures:
    """Features of some of a store's cells, under these cells' own indices."""

    def __init__(self, store: FeatureStore, examples: Examples) -> None:
        places = {name: index for index, name in enumerate(store.examples.hashes)}
        self.store, self.places = store, np.array([places[name] for name in examples.hashes], int)
        self.computed, self.row_kinds = store.computed, store.row_kinds

    def fill(self, indices: np.ndarray, views: np.ndarray, title: str) -> None:
        """Compute what is missing: see `FeatureStore.fill`."""
        self.store.fill(self.places[indices], views, title)

    def rows(self, indices: np.ndarray, views: np.ndarray) -> list[np.ndarray]:
        """Return cached outputs: float [k, ...] each."""
        return self.store.rows(self.places[indices], views)


def fits(outputs: Sequence[KerasTensor], rows: int) -> bool:
    """Return whether so many rows of these outputs can be cached in memory."""
    size = sum(math.prod(tensor.shape[1:]) * np.dtype(_stored_dtype(tensor.dtype)).itemsize for tensor in outputs)
    return rows * size <= LARGEST_SHARE * psutil.virtual_memory().total


def _stored_dtype(dtype: str) -> str:
    return "float16" if dtype == "float16" else "float32"  # NumPy has no bfloat16
