"""Files that are there whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from leukemia_tf.core.errors import DamagedFileError

SCRATCH = ".writing-"  # how the name of a file that is not yet whole begins


def write_atomically(path: Path, write: Callable[[Path], Any]) -> Path:
    """Let `write` make a temporary file beside `path`, then put it in place in one step.

    Parameters
    ----------
    path : pathlib.Path
        Where the file belongs; missing folders above it are made.
    write : callable
        Called with the temporary file's path, which ends like `path`.

    Returns
    -------
    pathlib.Path
        `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=SCRATCH, suffix="".join(path.suffixes))
    os.close(handle)
    scratch = Path(name)
    try:
        write(scratch)
        scratch.chmod(0o644)
        _flush(scratch)  # else a power cut may leave the name without the content
        os.replace(scratch, path)
        with suppress(OSError):  # not every system can do this for a folder
            _flush(path.parent)
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error  # a full disk, most often
    finally:
        scratch.unlink(missing_ok=True)
    return path


def copy_atomically(source: Path, target: Path) -> Path:
    """Copy a file's content; an error in writing names `target`."""
    content = source.read_bytes()
    return write_atomically(target, lambda scratch: scratch.write_bytes(content))


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Let a file's content, or the names in a folder, reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def free_path(path: Path) -> Path:
    """Return `path`, or one like it that is not taken."""
    while path.exists():
        path = path.with_name(f"{path.stem}-again{path.suffix}")
    return path


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises
    ------
    DamagedFileError
        If it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFileError(path, str(error)) from None


def read_record(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds, which must be an object; see `read_json`."""
    record = read_json(path)
    if not isinstance(record, dict):
        raise DamagedFileError(path, f"it holds {type(record).__name__}, not an object")
    return record


def write_json(path: Path, value: Any) -> Path:
    """Write `value` as JSON; a number that is not finite becomes null."""
    text = as_json(value) + "\n"
    return write_atomically(path, lambda scratch: scratch.write_text(text, encoding="utf-8"))


def as_json(value: Any) -> str:
    """Return `value` as JSON; a number that is not finite becomes null."""
    return json.dumps(_finite(value), indent=2, default=str, allow_nan=False)


def as_read(value: Any) -> Any:
    """Return a value as it would come back from a JSON file."""
    return json.loads(json.dumps(value, default=str))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows of the named columns as CSV (UTF-8, a header line)."""

    def write(scratch: Path) -> None:
        with scratch.open("w", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return write_atomically(path, write)


def read_csv(path: Path, columns: Collection[str] = ()) -> list[dict[str, str]]:
    """Read a CSV with a header line; one dictionary a row. See `iterate_csv`."""
    return list(iterate_csv(path, columns))


def iterate_csv(path: Path, columns: Collection[str] = ()) -> Iterator[dict[str, str]]:
    """Read a CSV with a header line row by row.

    Parameters
    ----------
    path : pathlib.Path
        The file, in UTF-8.
    columns : collection of str
        Those that it must have, with a value in each row, which may be empty.

    Raises
    ------
    DamagedFileError
        If it lacks one, or is no CSV.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
        reader = csv.DictReader(stream)
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DamagedFileError(path, f"it has no column {', '.join(missing)}")
            for line, row in enumerate(reader, start=2):
                if any(row[name] is None for name in columns):
                    raise DamagedFileError(path, f"line {line} is cut short")
                yield row
        except csv.Error as error:
            raise DamagedFileError(path, str(error)) from None
