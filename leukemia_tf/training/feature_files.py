"""Features on disk, by what they were computed from: a second run with the same frozen base starts at once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.files import write_atomically
from leukemia_tf.training.devices import processor_settings, usable_cores

log = logging.getLogger(__name__)

CACHE = "LEUKEMIA_TF_CACHE"
LARGEST = 4e9  # bytes of all kept features together: beyond that the longest unused are dropped


def cache_folder() -> Path:
    """Return the folder named by LEUKEMIA_TF_CACHE, else `leukemia_tf` in the user's cache."""
    if CACHE in os.environ:
        return Path(os.environ[CACHE])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "leukemia_tf"


class FeatureFiles:
    """Kept features of one frozen network: files of rows, each row known by its picture's hash and its view.

    Parameters
    ----------
    prefix : keras.Model
        The frozen network; its layers, weights, preprocessing and number type say which features fit.
    """

    def __init__(self, prefix: keras.Model) -> None:
        self.folder = cache_folder() / "features" / _fingerprint(prefix)

    def read(self, arrays: Sequence[np.ndarray], have: np.ndarray, hashes: Sequence[str]) -> None:
        """Fill in what is kept.

        Parameters
        ----------
        arrays : sequence of numpy.ndarray
            float [views, n, ...], one an output; changed.
        have : numpy.ndarray
            bool [views, n], which rows are filled in; changed.
        hashes : sequence of str
            sha256 of each cell's pixels, [n].
        """
        place = {name: index for index, name in enumerate(hashes)}
        for path in sorted(self.folder.glob("[!.]*.npz")):
            try:
                with np.load(path, allow_pickle=False) as kept:
                    rows = [(row, place.get(name)) for row, name in enumerate(kept["hashes"].tolist())]
                    found = np.array([(row, index) for row, index in rows if index is not None], int).reshape(-1, 2)
                    views = kept["views"][found[:, 0]]
                    fits = views < len(have)
                    found, views = found[fits], views[fits]
                    if not len(found):
                        continue
                    for number, array in enumerate(arrays):
                        array[views, found[:, 1]] = kept[f"output{number}"][found[:, 0]]
                    have[views, found[:, 1]] = True
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                log.warning("%s is damaged; its features are computed again", path)
                with suppress(OSError):
                    path.unlink()
        with suppress(OSError):  # nobody may write here, or nothing is here
            os.utime(self.folder)

    def write(self, rows: Sequence[np.ndarray], hashes: Sequence[str], views: np.ndarray) -> None:
        """Keep rows: float [k, ...] an output, with the hash and the view of each; a full disk costs only that."""
        if 2 * sum(values.nbytes for values in rows) > LARGEST:
            return
        arrays = {f"output{number}": values for number, values in enumerate(rows)}
        told = {"hashes": np.array(hashes), "views": np.asarray(views), **arrays}
        name = hashlib.sha256("".join(f"{h}{v}" for h, v in zip(hashes, views)).encode()).hexdigest()[:16]
        try:
            write_atomically(self.folder / f"{name}.npz", lambda scratch: np.savez(scratch, **told))
            drop_oldest(self.folder.parent, LARGEST)
        except OSError as error:
            log.warning("features are not kept for a next run (%s: %s)", error.filename, error.strerror)


def drop_oldest(folder: Path, largest: float) -> None:
    """Delete the longest unused of a folder's folders until the rest takes no more than `largest` bytes."""
    sizes = {path: sum(f.stat().st_size for f in path.glob("*.npz")) for path in folder.iterdir() if path.is_dir()}
    for path in sorted(sizes, key=lambda path: path.stat().st_mtime)[:-1]:
        if sum(sizes.values()) <= largest:
            break
        shutil.rmtree(path, ignore_errors=True)
        del sizes[path]


def _fingerprint(prefix: keras.Model) -> str:
    backend = keras.backend.backend()
    computed_by = [
        *("1", backend, version(backend), keras.version(), prefix.compute_dtype, *keras.distribution.list_devices()),
        *(str(usable_cores()), *processor_settings().values()),
    ]
    digest = hashlib.sha256(" ".join(computed_by).encode())
    config = json.loads(prefix.to_json())["config"]
    config.pop("name", None)
    digest.update(json.dumps(config, sort_keys=True).encode())
    for variable in prefix.variables:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()[:32]
