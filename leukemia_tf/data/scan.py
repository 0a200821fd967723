"""Reads every image of a catalog once: whether it is sound, what it shows, and which images show the same cell."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import BadImageError
from leukemia_tf.core.files import free_path, write_csv
from leukemia_tf.data.catalog import Catalog, Cell, Rejected
from leukemia_tf.data.cell_views import NOTHING, unroll
from leukemia_tf.data.fingerprints import Fingerprints, as_fingerprints
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.near_duplicates import near_duplicates
from leukemia_tf.data.outline import SEGMENT_FIRST, has_even_rim, is_segmented
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.runs.run_folder import REJECTED

COARSE = 4  # every fourth pixel is enough to count cells
SECOND_CELL = 0.05  # of the largest piece's area: a smaller piece is a speck

Measured = Mapping[str, float]
Measure = Callable[[bytes, np.ndarray], Measured]  # of a file's bytes and its pixels, uint8 [height, width, 3]


@dataclass(frozen=True)
class CellStatistics:
    """What one image shows.

    Parameters
    ----------
    width, height : int
        In pixels.
    area : int
        Of the cell, in pixels.
    warning : str
        What is odd about it; empty if nothing is.
    view : numpy.ndarray
        int8: the cell unrolled, as from `unroll`; zeros for a photograph with its surroundings.
    """

    width: int
    height: int
    area: int
    warning: str
    view: np.ndarray


@dataclass(frozen=True)
class Scan:
    """The sound cells of a catalog with their statistics, and the images that cannot be used.

    Parameters
    ----------
    cells : tuple of Cell
        Labelled and sound, with their pixels' hashes.
    statistics : tuple of CellStatistics
        One per cell.
    rejected : tuple of Rejected
        Images that cannot be used.
    measured : tuple of mapping
        One per cell: what the caller wanted to be measured.
    """

    cells: tuple[Cell, ...]
    statistics: tuple[CellStatistics, ...]
    rejected: tuple[Rejected, ...]
    measured: tuple[Measured, ...] = ()

    def identical(self) -> list[list[Cell]]:
        """Return the groups of cells with identical pixels."""
        groups = defaultdict(list)
        for cell in self.cells:
            groups[cell.sha256].append(cell)
        return [group for group in groups.values() if len(group) > 1]

    def fingerprints(self) -> Fingerprints:
        """Return the view of each distinct picture."""
        return as_fingerprints((cell.sha256, row.view) for cell, row in zip(self.cells, self.statistics, strict=True))

    def near_duplicates(self) -> list[tuple[Cell, Cell, float]]:
        """Return the pairs that show one cell photographed twice, with their correlation, without identical pixels."""
        first = {cell.sha256: cell for cell in reversed(self.cells)}
        distinct = self.fingerprints()
        cells = [first[name] for name in distinct.hashes]
        return [(cells[i], cells[j], similarity) for i, j, similarity in near_duplicates(distinct.views)]


def cell_statistics(pixels: np.ndarray) -> CellStatistics:
    """Measure a picture: uint8 [height, width, 3], RGB."""
    cell = cv2.bitwise_not(cv2.inRange(pixels, (0, 0, 0), (BACKGROUND,) * 3))
    height, width = cell.shape
    segmented = is_segmented(pixels)
    warning = _warning(cell) if segmented else SEGMENT_FIRST
    view = unroll(pixels) if segmented or has_even_rim(pixels) else NOTHING  # a photograph's surroundings are no cell
    return CellStatistics(width, height, cv2.countNonZero(cell), warning, view)


def _warning(cell: np.ndarray) -> str:
    if not cell.any():
        return "no cell: every pixel is background"
    pieces = np.sort(cv2.connectedComponentsWithStats(cell[::COARSE, ::COARSE].copy())[2][1:, cv2.CC_STAT_AREA])
    if len(pieces) > 1 and pieces[-2] > SECOND_CELL * pieces[-1]:
        return "more than one cell"
    if cell[[0, -1]].any() or cell[:, [0, -1]].any():
        return "the cell touches the border: a part of it may be missing"
    return ""


def scan(catalog: Catalog, unlabelled: bool = False, measure: Measure | None = None) -> Scan:
    """Read every labelled image once, in parallel and in bounded memory; bad ones are listed, not raised.

    Parameters
    ----------
    catalog : Catalog
        What lies in a folder.
    unlabelled : bool
        Whether to read the images without a label too; their label and patient are empty.
    measure : callable, optional
        What else to measure of each labelled image while it is in memory; called from several threads.
    """

    def read(cell: Cell) -> tuple[Cell, CellStatistics, Measured] | Rejected:
        try:
            content, pixels = read_image(catalog.folder / cell.path)
        except BadImageError as error:
            return Rejected(cell.path, error.reason, error.convertible)
        measured = measure(content, pixels) if measure and cell.label else {}
        return replace(cell, sha256=pixel_hash(pixels)), cell_statistics(pixels), measured

    cells = catalog.cells + tuple(Cell(path, "", "") for path in catalog.unlabelled if unlabelled)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(progress_bar(pool.map(read, cells), total=len(cells), title="reading cells", unit="cell"))
    sound = [result for result in results if not isinstance(result, Rejected)]
    rejected = (*catalog.rejected, *(result for result in results if isinstance(result, Rejected)))
    read_cells, statistics, measured = (tuple(column) for column in zip(*sound)) if sound else ((), (), ())
    return Scan(read_cells, statistics, rejected, measured)


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> Path:
    """Write the images that cannot be used, with their reasons, as CSV."""
    return write_csv(path, ("path", "reason"), ({"path": row.path, "reason": row.reason} for row in rejected))


def quarantine(folder: Path, rejected: Sequence[Rejected]) -> Path:
    """Move bad images out of the data folder, into a tree like it beside it, with a list; nothing is overwritten.

    Returns
    -------
    pathlib.Path
        The folder beside `folder`, named `…-quarantine`.
    """
    aside = folder.with_name(f"{folder.name}-quarantine")
    write_rejected(free_path(aside / REJECTED), rejected)
    for row in rejected:
        (aside / row.path).parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder / row.path, free_path(aside / row.path))
    return aside
