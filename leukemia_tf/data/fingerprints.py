"""Fingerprints of cells: the polar view of each distinct picture. A run stores them, to recognise its cells later."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukemia_tf.core.errors import BadImageError
from leukemia_tf.core.files import write_atomically
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.cell_views import ANGLES, RADII, VERSION, unroll
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.near_duplicates import near_duplicates_between

UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)  # what NumPy raises at a torn file
SHOWN = 3  # pairs that a message names


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """The views of distinct pictures.

    Parameters
    ----------
    hashes : tuple of str
        sha256 of each picture's pixels, [n], no one twice.
    views : numpy.ndarray
        int8 [n, ANGLES, RADII], as from `unroll`.
    """

    hashes: tuple[str, ...]
    views: np.ndarray

    def select(self, hashes: Collection[str]) -> Fingerprints:
        """Return those of some pictures; pictures without one are left out."""
        rows = [row for row, name in enumerate(self.hashes) if name in hashes]
        return Fingerprints(tuple(self.hashes[row] for row in rows), self.views[rows])

    def joined(self, others: Fingerprints) -> Fingerprints:
        """Return these and others."""
        return as_fingerprints(zip((*self.hashes, *others.hashes), (*self.views, *others.views), strict=True))


def as_fingerprints(pairs: Iterable[tuple[str, np.ndarray]]) -> Fingerprints:
    """Return the fingerprints of pictures from pairs of hash and view; a picture counts once."""
    views = dict(pairs)
    return Fingerprints(tuple(views), np.array([*views.values()], np.int8).reshape(-1, ANGLES, RADII))


def compute_fingerprints(folder: Path, cells: Iterable[Cell]) -> Fingerprints:
    """Read pictures, and return the fingerprints of those that are there and as they were."""
    pairs = []
    for cell in {cell.sha256: cell for cell in cells}.values():
        try:
            pixels = read_image(folder / cell.path)[1]
        except BadImageError:
            continue
        if pixel_hash(pixels) == cell.sha256:
            pairs.append((cell.sha256, unroll(pixels)))
    return as_fingerprints(pairs)


def write_fingerprints(path: Path, fingerprints: Fingerprints) -> Path:
    """Write fingerprints.npz: about one kilobyte a picture."""
    hashes = np.array([list(bytes.fromhex(name)) for name in fingerprints.hashes], np.uint8).reshape(-1, 32)
    arrays = {"version": np.array(VERSION), "hashes": hashes, "views": fingerprints.views}
    write_atomically(path, lambda scratch: np.savez_compressed(scratch, **arrays))  # type: ignore[arg-type]
    return path


def read_fingerprints(path: Path) -> Fingerprints | None:
    """Read fingerprints.npz; None where there is none, or one of other views than this version computes."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            if int(stored["version"]) != VERSION:
                return None
            return Fingerprints(tuple(row.tobytes().hex() for row in stored["hashes"]), stored["views"])
    except UNREADABLE:
        return None


def find_copies(
    cells: Sequence[Cell], fingerprints: Fingerprints, others: Sequence[Cell], other_fingerprints: Fingerprints
) -> list[tuple[Cell, Cell, float]]:
    """Return the cells that are a near-duplicate of one of the others, each with that one, the most similar first.

    Cells whose picture has no fingerprint are not compared.
    """
    mine = fingerprints.select({cell.sha256 for cell in cells})
    theirs = other_fingerprints.select({cell.sha256 for cell in others})
    by_hash = {cell.sha256: cell for cell in cells}
    other_by_hash = {cell.sha256: cell for cell in others}
    first: dict[int, tuple[Cell, Cell, float]] = {}
    for one, other, similarity in near_duplicates_between(mine.views, theirs.views):
        first.setdefault(one, (by_hash[mine.hashes[one]], other_by_hash[theirs.hashes[other]], similarity))
    return list(first.values())


def name_copies(copies: Sequence[tuple[Cell, Cell, float]]) -> str:
    """Return a few of the pairs as text."""
    texts = [f"{one.path} of {other.path} (similarity {similarity:.3f})" for one, other, similarity in copies[:SHOWN]]
    return ", ".join(texts) + (", …" if len(copies) > SHOWN else "")
