"""Features of a frozen base in memory: computed once for each view of each cell that a training asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
import psutil
from keras import KerasTensor
from tqdm import tqdm

from leukemia_tf.data.pipeline import view_batches
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_files import FeatureFiles

BATCH = 32  # always full, so that a row's bits do not depend on what else is computed
LARGEST_SHARE = 0.3  # of the memory, free or not: what is kept must not depend on the moment


class FeatureStore:
    """Outputs of a frozen network for views of cells.

    Parameters
    ----------
    prefix : keras.Model
        From cells to the outputs that are kept.
    examples : Examples
        The n cells.
    views : int
        1, or 8 for all dihedral views; the first is the cell as it is.
    files : FeatureFiles or None
        Where they are kept between runs.

    Attributes
    ----------
    row_kinds : list of (shape, dtype)
        Of one row of each output.
    arrays : list of numpy.ndarray
        float [views, n, ...], one an output.
    """

    def __init__(self, prefix: keras.Model, examples: Examples, views: int, files: FeatureFiles | None) -> None:
        self.prefix, self.examples, self.files = prefix, examples, files
        self.have = np.zeros((views, len(examples.labels)), bool)
        self.row_kinds = [(tuple(tensor.shape[1:]), _kept(tensor.dtype)) for tensor in prefix.outputs]
        self.arrays = [np.empty((*self.have.shape, *shape), dtype) for shape, dtype in self.row_kinds]
        if files:
            files.read(self.arrays, self.have, examples.hashes)

    def fill(self, indices: np.ndarray, views: np.ndarray, title: str) -> None:
        """Compute what is missing of these cells in these views: int [k] each."""
        pairs = np.unique(np.stack([views, indices]), axis=1)
        views, indices = pairs[:, ~self.have[pairs[0], pairs[1]]]
        if not len(indices):
            return
        padded = np.resize(np.arange(len(indices)), BATCH * math.ceil(len(indices) / BATCH))
        batches = view_batches(self.examples.cells, indices[padded], views[padded], BATCH)
        done = 0
        with tqdm(total=len(indices), desc=title, unit="cell", leave=False) as bar:
            for batch in batches:
                outputs = self.prefix.predict_on_batch(batch)
                outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
                now = slice(done, min(done + BATCH, len(indices)))
                for array, values in zip(self.arrays, outputs, strict=True):
                    array[views[now], indices[now]] = values[: now.stop - done]
                bar.update(now.stop - done)
                done = now.stop
        self.have[views, indices] = True
        if self.files:
            rows = [array[views, indices] for array in self.arrays]
            self.files.write(rows, [self.examples.hashes[index] for index in indices], views)

    def rows(self, indices: np.ndarray, views: np.ndarray) -> list[np.ndarray]:
        """Return kept outputs: float [k, ...] each."""
        return [array[views, indices] for array in self.arrays]


def fits(outputs: Sequence[KerasTensor], rows: int) -> bool:
    """Return whether so many rows of these outputs can be kept in memory."""
    size = sum(math.prod(tensor.shape[1:]) * np.dtype(_kept(tensor.dtype)).itemsize for tensor in outputs)
    return rows * size <= LARGEST_SHARE * psutil.virtual_memory().total


def _kept(dtype: str) -> str:
    return "float16" if dtype == "float16" else "float32"  # NumPy has no bfloat16
