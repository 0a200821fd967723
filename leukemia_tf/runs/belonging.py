"""Whether files of a run belong together: a record holds the hashes of the files that were there before it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import file_hash


def file_hashes(paths: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of each of these files that is there, by name."""
    return {path.name: file_hash(path) for path in paths if path.is_file()}


def check_belonging(record: Path, hashes: Mapping[str, str], paths: Iterable[Path], mend: str) -> None:
    """Stop at a file that is gone, or is not the one whose hash was recorded.

    Parameters
    ----------
    record : pathlib.Path
        The file that holds the hashes, beside the others.
    hashes : mapping of str to str
        By name; a file without one is from before hashes were recorded, and is not compared.
    paths : iterable of pathlib.Path
        The files that are needed.
    mend : str
        What helps besides restoring the file, as the end of the sentence.

    Raises
    ------
    RunError
        At the first such file.
    """
    for path in paths:
        if not path.is_file():
            raise RunError(f"{path.parent} lacks {path.name}: restore it from a copy, or {mend}.")
        if path.name in hashes and file_hash(path) != hashes[path.name]:
            raise RunError(
                f"{path} and {record.name} do not belong together: one of them is of another run, damaged, or changed "
                f"since; restore it from a copy, or {mend}."
            )
