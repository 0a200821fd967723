"""Cells ready for a network: pictures, classes and patients side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.pipeline import classes, load_cells
from leukemia_tf.data.settings import Preprocessing


@dataclass(frozen=True)
class Examples:
    """Cells ready for a network.

    Parameters
    ----------
    cells : numpy.ndarray
        uint8 [n, size, size, 3].
    labels : numpy.ndarray
        int32 [n], 0 or 1.
    patients : numpy.ndarray
        str [n].
    """

    cells: np.ndarray
    labels: np.ndarray
    patients: np.ndarray


def load_examples(folder: Path, cells: Sequence[Cell], part: str, settings: Preprocessing) -> Examples:
    """Read and preprocess the cells of a part (`train`, `val` or `test`)."""
    chosen = [cell for cell in cells if cell.split == part]
    pictures = load_cells(folder, chosen, settings, f"preparing {part}")
    return Examples(pictures, classes(chosen), np.array([cell.patient for cell in chosen]))
