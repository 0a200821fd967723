"""Prepared cells between epochs: in memory, on disk, or prepared anew each time."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import tensorflow as tf

from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.timing import timed
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.preprocessing import Preprocessing, check_cache
from leukemia_tf.data.preprocessing_graph import cell_from_bytes

BATCH = 32  # cells between two updates of the progress bar
LARGEST_SHARE = 0.5  # of the free memory, or of the free disk, that `auto` may use


@dataclass(frozen=True)
class Store:
    """Prepared cells, by index.

    Parameters
    ----------
    paths : tuple of bytes
        The image files.
    settings : Preprocessing
        How they are prepared.
    array : numpy.ndarray or None
        uint8 [n, size, size, 3], in memory or mapped from disk; None where each is prepared anew.
    places : numpy.ndarray, optional
        Row of each cell in the array: int [n]; None where they are in order.
    """

    paths: tuple[bytes, ...]
    settings: Preprocessing
    array: np.ndarray | None
    places: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, indices: np.ndarray) -> Store:
        """Return some of the cells, int [k], as a store of their own; the pixels are not copied."""
        places = self.places[indices] if self.places is not None else indices
        return replace(self, paths=tuple(self.paths[index] for index in indices), places=places)

    def batch(self, indices: tf.Tensor) -> tf.Tensor:
        """Return cells inside a `tf.data` graph: int32 [k] -> uint8 [k, size, size, 3]."""
        size = self.settings.image_size
        if self.array is None:
            spec = tf.TensorSpec([size, size, 3], tf.uint8)
            chosen = tf.gather(tf.constant(self.paths), indices)
            cells = tf.map_fn(_preparing(self.settings), chosen, fn_output_signature=spec)
        else:
            cells = tf.numpy_function(self._rows, [indices], tf.uint8, stateful=False)
        return tf.ensure_shape(cells, [None, size, size, 3])

    def _rows(self, indices: np.ndarray) -> np.ndarray:
        array = cast("np.ndarray", self.array)
        return array[indices if self.places is None else self.places[indices]]


@cache
def _preparing(settings: Preprocessing) -> tf.types.experimental.PolymorphicFunction:
    """Return what prepares the cell of a file, traced once: scalar string -> uint8 [size, size, 3]."""
    signature = [tf.TensorSpec([], tf.string)]
    return tf.function(lambda path: cell_from_bytes(tf.io.read_file(path), settings), signature, autograph=False)


def open_store(
    folder: Path, cells: Sequence[Cell], settings: Preprocessing, cache: str = "auto", title: str = "preparing cells"
) -> Store:
    """Prepare cells, once if they are cached.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    cells : sequence of Cell
        Readable images.
    settings : Preprocessing
        How to prepare them.
    cache : str
        `memory`, `disk` (a file that vanishes with the process), `none`, or `auto`; see `choose_cache`.
    title : str
        Of the progress bar.

    Raises
    ------
    ArgumentError
        If there is no such cache.
    """
    paths = tuple(os.fsencode(folder / cell.path) for cell in cells)
    shape = (len(cells), settings.image_size, settings.image_size, 3)
    cache = choose_cache(int(np.prod(shape)), cache)
    if cache == "none":
        return Store(paths, settings, None)
    array = _mapped(shape) if cache == "disk" and paths else np.empty(shape, np.uint8)
    if paths:
        _fill(array, paths, settings, title)
    return Store(paths, settings, array)


def _fill(array: np.ndarray, paths: Sequence[bytes], settings: Preprocessing, title: str) -> None:
    """Prepare image files in parallel, into an array."""
    files = tf.data.Dataset.from_tensor_slices(list(paths))
    prepared = files.map(_preparing(settings), num_parallel_calls=2 * (os.cpu_count() or 1))
    options = tf.data.Options()
    options.autotune.enabled = False  # it goes down to one cell at a time, now and then, for a whole pass
    batches = prepared.batch(BATCH).prefetch(2).with_options(options)
    done = 0
    with timed("decoding and framing"), progress_bar(total=len(paths), title=title, unit="cell") as bar:
        for batch in batches.as_numpy_iterator():
            array[done : done + len(batch)] = batch
            done += len(batch)
            bar.update(len(batch))


def choose_cache(size: int, cache: str = "auto") -> str:
    """Return where to store `size` bytes: as requested, or for `auto` in memory, else on disk, where they fit.

    Raises
    ------
    ArgumentError
        If there is no such cache.
    """
    check_cache(cache)
    if cache != "auto":
        return cache
    if size <= LARGEST_SHARE * psutil.virtual_memory().available:
        return "memory"
    return "disk" if size <= LARGEST_SHARE * shutil.disk_usage(tempfile.gettempdir()).free else "none"


def _mapped(shape: tuple[int, ...]) -> np.ndarray:
    """Return an array in a file that vanishes with its last user, even after a kill.

    Its space is reserved first: a map of a file that the disk has no room for ends the process when it is written.
    """
    with tempfile.TemporaryFile() as stream:
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, math.prod(shape))
        except OSError as error:
            raise OSError(error.errno, error.strerror, tempfile.gettempdir()) from None
        return np.memmap(stream, np.uint8, "w+", shape=shape)
