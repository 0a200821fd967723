"""Cached features on disk, named after what they were computed from: a second run with the same base reads them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leukemia_tf.core.cache import cache_folder
from leukemia_tf.core.files import write_atomically
from leukemia_tf.core.version import __version__
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.probe import probe_hash
from leukemia_tf.training.devices import processor_settings, usable_cores

log = logging.getLogger(__name__)

LARGEST = 4e9  # bytes of all features together: beyond that the least recently used are deleted
DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)  # what NumPy raises at a torn file


class FeatureFiles:
    """Features of one frozen network: files of rows, each row identified by its image's hash and its view.

    Parameters
    ----------
    prefix : keras.Model
        The frozen network; its layers, weights, dtype and preprocessing identify its features; of the preprocessing
        the settings, and what its code makes of a probe picture.
    """

    def __init__(self, prefix: keras.Model) -> None:
        self.folder = cache_folder() / "features" / _fingerprint(prefix)

    def read(
        self, arrays: Sequence[np.ndarray], computed: np.ndarray, hashes: Sequence[str], names: np.ndarray
    ) -> None:
        """Fill in what the files hold.

        Parameters
        ----------
        arrays : sequence of numpy.ndarray
            float [views, n, ...], one per output; changed.
        computed : numpy.ndarray
            bool [views, n], which rows are filled in; changed.
        hashes : sequence of str
            sha256 of each cell's pixels, [n].
        names : numpy.ndarray
            int64 [views], as from `view_names`.
        """
        places: dict[str, list[int]] = {}  # a picture may be there under several names
        for index, name in enumerate(hashes):
            places.setdefault(name, []).append(index)
        numbers = {name: number for number, name in enumerate(names.tolist())}
        for path in sorted(self.folder.glob("[!.]*.npz")):
            try:
                _read_rows(path, arrays, computed, places, numbers)
            except DAMAGED:
                log.warning("%s is damaged; its features are computed again", path)
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):  # the folder is read-only, or there is none
            os.utime(self.folder)

    def write(self, rows: Sequence[np.ndarray], hashes: Sequence[str], names: np.ndarray) -> None:
        """Store rows, float [k, ...] per output, with each one's hash and view's name; a full disk is only logged."""
        if 2 * sum(values.nbytes for values in rows) > LARGEST:
            return
        arrays: dict[str, Any] = {f"output{number}": values for number, values in enumerate(rows)}
        arrays = {"hashes": np.array(hashes), "views": names, **arrays}
        name = hashlib.sha256("".join(f"{h}{v}" for h, v in zip(hashes, names)).encode()).hexdigest()[:16]
        try:
            write_atomically(self.folder / f"{name}.npz", lambda scratch: np.savez(scratch, **arrays))
            drop_oldest(self.folder.parent, LARGEST)
        except OSError as error:
            log.warning("features are not stored for the next run (%s: %s)", error.filename, error.strerror)


def _read_rows(
    path: Path,
    arrays: Sequence[np.ndarray],
    computed: np.ndarray,
    places: Mapping[str, Sequence[int]],
    numbers: Mapping[int, int],
) -> None:
    """Copy the rows of a file whose images are in `places` and whose views are in `numbers`."""
    with np.load(path, allow_pickle=False) as stored:
        found = [
            (row, place, numbers[view])
            for row, (image, view) in enumerate(zip(stored["hashes"].tolist(), stored["views"].tolist(), strict=True))
            if view in numbers
            for place in places.get(image, ())
        ]
        if not found:
            return
        rows, indices, views = np.array(found).T
        for number, array in enumerate(arrays):
            array[views, indices] = stored[f"output{number}"][rows]
        computed[views, indices] = True


def drop_oldest(folder: Path, largest: float) -> None:
    """Delete the least recently used subfolders until the rest takes no more than `largest` bytes."""
    ages, sizes = {}, {}
    for path in folder.iterdir():
        with suppress(OSError):  # another process has deleted it, or is replacing a file
            ages[path] = path.stat().st_mtime
            sizes[path] = sum(file.stat().st_size for file in path.glob("[!.]*.npz"))
    for path in sorted(sizes, key=lambda path: ages[path])[:-1]:
        if sum(sizes.values()) <= largest:
            break
        shutil.rmtree(path, ignore_errors=True)
        del sizes[path]


def _fingerprint(prefix: keras.Model) -> str:
    backend = keras.backend.backend()
    computed_by = [
        *(__version__, backend, version(backend), keras.version(), prefix.compute_dtype),
        *keras.distribution.list_devices(),
        *(str(usable_cores()), *processor_settings().values()),
    ]
    digest = hashlib.sha256(" ".join(computed_by).encode())
    config = json.loads(prefix.to_json())["config"]
    config.pop("name", None)
    for layer in config["layers"]:
        if layer["class_name"] == "CellInput":
            layer["config"].pop("network", None)  # it describes the head, too, and computes nothing
            digest.update(probe_hash(stored_preprocessing(layer["config"]["preprocessing"])).encode())
    digest.update(json.dumps(config, sort_keys=True).encode())
    for variable in prefix.variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()[:32]
