"""TensorFlow Serving's folders, NAME/VERSION: versions are numbers, and each appears complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

FULL = os.strerror(errno.ENOSPC)
NOTES = "assets.extra/signatures.json"  # of a version: the heat maps' method, the model's score


def next_version(folder: Path) -> int:
    """Return the number after the highest version in a model's folder; 1 in an empty one."""
    versions = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
    return max(versions, default=0) + 1


def write_version(folder: Path, write: Callable[[Path], Any]) -> Path:
    """Write the next version of a model; a server that watches the folder sees it once it is complete.

    Parameters
    ----------
    folder : pathlib.Path
        The model's folder; it is created if it is missing.
    write : callable
        Called with an empty folder beside the versions, which it fills.

    Returns
    -------
    pathlib.Path
        `folder/VERSION`.

    Raises
    ------
    OSError
        That names `folder`, if the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".writing-"))
    try:
        write(scratch)
        scratch.chmod(0o755)
        version = folder / str(next_version(folder))
        os.replace(scratch, version)
    except tf.errors.ResourceExhaustedError as error:
        if FULL not in str(error):
            raise
        raise OSError(errno.ENOSPC, FULL, str(folder)) from None
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return version
