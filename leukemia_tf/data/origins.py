"""The pictures that segmented cells were cut out of, by the cells.csv that `segment` writes beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.core.files import read_csv
from leukemia_tf.data.tables import first_rows

COLUMNS = {"path", "source", "x", "y", "width", "height"}  # of a table of segmented cells


@dataclass(frozen=True)
class Origin:
    """Where a segmented cell comes from.

    Parameters
    ----------
    source : str
        The picture's path, as it was given.
    patient : str
        By the picture's name or folders; empty where unknown.
    """

    source: str
    patient: str


def read_origins(tables: Iterable[Path]) -> dict[Path, Origin]:
    """Return the origin of each image that a table of segmented cells among some CSVs lists."""
    return {
        path.parent / row["path"]: Origin(row["source"], row.get("patient") or "")
        for path in tables
        if is_of_segmented(path)
        for row in read_csv(path)
    }


def is_of_segmented(path: Path) -> bool:
    """Return whether a CSV is a table of segmented cells."""
    rows = first_rows(path)
    return bool(rows) and set(rows[0][1]) >= COLUMNS
