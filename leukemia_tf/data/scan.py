"""Reads every image of a catalog once: whether it is sound, what it shows, and which images show the same cell."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import BadImageError
from leukemia_tf.core.files import free_path, write_csv
from leukemia_tf.data.catalog import Catalog, Cell, Rejected
from leukemia_tf.data.cell_statistics import CellStatistics, cell_statistics
from leukemia_tf.data.fingerprints import Fingerprints, as_fingerprints
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.near_duplicates import near_duplicates
from leukemia_tf.data.scan_memory import Remembered, file_stamp, recall, remember
from leukemia_tf.runs.run_folder import REJECTED

log = logging.getLogger(__name__)

Measured = Mapping[str, float]
Measure = Callable[[bytes, np.ndarray], Measured]  # of a file's bytes and its pixels, uint8 [height, width, 3]


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


def scan(catalog: Catalog, unlabelled: bool = False, measure: Measure | None = None) -> Scan:
    """Read every labelled image once, in parallel and in bounded memory; bad ones are listed, not raised.

    Parameters
    ----------
    catalog : Catalog
        What lies in a folder.
    unlabelled : bool
        Whether to read the images without a label too; their label and patient are empty.
    measure : callable, optional
        What else to measure of each labelled image while it is in memory; called from several threads. With it every
        image is read; without, only those that are not as they were when they were last read.
    """
    known = {} if measure else recall(catalog.folder)
    fresh: dict[str, Remembered] = {}

    def read(cell: Cell) -> tuple[Cell, CellStatistics, Measured] | Rejected:
        path = catalog.folder / cell.path
        stamp, found = file_stamp(path), known.get(cell.path)
        if found and found.stamp == stamp:
            return replace(cell, sha256=found.sha256), found.statistics, {}
        try:
            content, pixels = read_image(path)
        except BadImageError as error:
            return Rejected(cell.path, error.reason, error.convertible)
        measured = measure(content, pixels) if measure and cell.label else {}
        name, statistics = pixel_hash(pixels), cell_statistics(pixels)
        if stamp:
            fresh[cell.path] = Remembered(stamp, name, statistics)
        return replace(cell, sha256=name), statistics, measured

    cells = catalog.cells + tuple(Cell(path, "", "") for path in catalog.unlabelled if unlabelled)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(progress_bar(pool.map(read, cells), total=len(cells), title="reading cells", unit="cell"))
    log.debug("%d of %d images were read; the others are as they were when they were last read", len(fresh), len(cells))
    if fresh:
        remember(catalog.folder, {**(known or recall(catalog.folder)), **fresh})
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
