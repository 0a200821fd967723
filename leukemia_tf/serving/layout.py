"""A served model's folder, NAME/VERSION: versions are numbers, and each appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def next_version(folder: Path) -> int:
    """Return the number after the highest version in a model's folder; 1 in an empty one."""
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
    return max(taken, default=0) + 1


def write_version(folder: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill the next version of a model, which a server that watches sees once it is whole.

    Parameters
    ----------
    folder : pathlib.Path
        The model's folder; it is made if it is missing.
    write : callable
        Takes an empty folder beside the versions.

    Returns
    -------
    pathlib.Path
        `folder/VERSION`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".writing-"))
    try:
        write(scratch)
        scratch.chmod(0o755)
        version = folder / str(next_version(folder))
        os.replace(scratch, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return version
