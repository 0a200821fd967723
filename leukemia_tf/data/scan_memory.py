"""What was read of the images of a folder, for the next command: a file a folder, in the cache.

A row holds for the file as it was: its size, its times and the code that read it. Any other is read anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from leukemia_tf.core.cache import cache_folder
from leukemia_tf.core.files import write_atomically
from leukemia_tf.data import cell_statistics, cell_views, headers, integrity, jpeg_headers, outline, preprocessing
from leukemia_tf.data.cell_statistics import CellStatistics

log = logging.getLogger(__name__)

READ_BY = (cell_statistics, cell_views, headers, integrity, jpeg_headers, outline, preprocessing)  # what rows depend on
SETTLED = 2_000_000_000  # nanoseconds: a file changed later than this before its reading may change unnoticed
FOLDERS = 64  # most files in the cache: beyond that the least recently written are deleted
UNREADABLE = (OSError, RuntimeError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile)

Stamp = tuple[int, int, int]  # bytes, and the nanoseconds of the last change of the content and of the file


@dataclass(frozen=True, eq=False)
class Remembered:
    """What was read of a sound image.

    Parameters
    ----------
    stamp : tuple of int
        Of its file, as from `file_stamp`, from before it was read.
    sha256 : str
        Of its pixels.
    statistics : CellStatistics
        What it shows.
    """

    stamp: Stamp
    sha256: str
    statistics: CellStatistics


def file_stamp(path: Path) -> Stamp | None:
    """Return what changes with a file; None where there is none, or it was changed within the last two seconds."""
    try:
        state = path.stat()
    except OSError:
        return None
    if max(state.st_mtime_ns, state.st_ctime_ns) > time.time_ns() - SETTLED:
        return None
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns


def recall(folder: Path) -> dict[str, Remembered]:
    """Return what is remembered of a folder's images, by their paths in it; nothing where that cannot be read."""
    try:
        with np.load(_memory(folder), allow_pickle=False) as stored:
            if str(stored["read_by"]) != _code() or str(stored["folder"]) != _name(folder):
                return {}
            stamps, sizes = stored["stamps"].tolist(), stored["sizes"].tolist()
            hashes, views = stored["hashes"], stored["views"]
            paths, warnings = json.loads(str(stored["paths"])), json.loads(str(stored["warnings"]))
        shown = ((width, height, area, text) for (width, height, area), text in zip(sizes, warnings, strict=True))
        rows = zip(paths, shown, stamps, hashes, views, strict=True)
        return {
            path: Remembered((size, modified, changed), row.tobytes().hex(), CellStatistics(*shown, view))
            for path, shown, (size, modified, changed), row, view in rows
        }
    except UNREADABLE:
        return {}


def remember(folder: Path, rows: Mapping[str, Remembered]) -> None:
    """Write what is known of a folder's images; where that cannot be, the next command reads them again.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    rows : mapping of str to Remembered
        By their paths in it; those that are gone are left out.
    """
    kept = {path: row for path, row in rows.items() if (folder / path).is_file()}
    statistics = [row.statistics for row in kept.values()]
    arrays: dict[str, Any] = {
        "read_by": np.array(_code()),
        "folder": np.array(_name(folder)),
        "paths": np.array(json.dumps(list(kept))),
        "warnings": np.array(json.dumps([row.warning for row in statistics])),
        "stamps": np.array([row.stamp for row in kept.values()], np.int64).reshape(-1, 3),
        "hashes": np.array([list(bytes.fromhex(row.sha256)) for row in kept.values()], np.uint8).reshape(-1, 32),
        "sizes": np.array([(row.width, row.height, row.area) for row in statistics], np.int64).reshape(-1, 3),
        "views": np.array([row.view for row in statistics], np.int8),
    }
    try:
        path = _memory(folder)
        write_atomically(path, lambda scratch: np.savez(scratch, **arrays))
        for old in sorted(path.parent.glob("[!.]*.npz"), key=lambda one: one.stat().st_mtime)[:-FOLDERS]:
            with suppress(OSError):
                old.unlink()
    except (OSError, RuntimeError) as error:  # no home, a full disk, a folder that must not be written to
        log.info("what was read of the cells is not stored for the next command (%s)", error)


def _memory(folder: Path) -> Path:
    return cache_folder() / "cells" / f"{hashlib.sha256(_name(folder).encode()).hexdigest()[:32]}.npz"


def _name(folder: Path) -> str:
    """Return a folder's absolute path; names that are no text are escaped."""
    return os.fsencode(folder.resolve()).decode(errors="backslashreplace")


@cache
def _code() -> str:
    """Return what changes with the code that reads an image."""
    digest = hashlib.sha256(f"{cv2.__version__} {np.__version__}".encode())
    for module in READ_BY:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
