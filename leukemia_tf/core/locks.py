"""One process at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from leukemia_tf.core.errors import UserError

try:
    import fcntl
except ModuleNotFoundError:  # Windows, where a file that another process writes cannot be replaced anyway
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path | None) -> Iterator[None]:
    """Keep other processes that lock the same folder out; they stop with a sentence.

    The lock goes with the process, however it ends. It is a file beside the folder, which need not exist yet: folders
    that are made for it go with it, unless something else is in them by then.

    Parameters
    ----------
    folder : pathlib.Path or None
        None locks nothing.

    Raises
    ------
    UserError
        If another process holds the lock.
    """
    if folder is None or fcntl is None:
        yield
        return
    made = [parent for parent in folder.parents if not parent.exists()]  # the innermost first
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.parent / f".{folder.name}.lock"
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{folder}: another process writes this folder; wait for it, or name another `out`."
            ) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                for parent in made:
                    parent.rmdir()
    finally:
        os.close(handle)
