"""What one picture shows: its size, the cell's area, what is odd about it, and the cell unrolled."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from leukemia_tf.data.cell_views import NOTHING, unroll
from leukemia_tf.data.outline import SEGMENT_FIRST, has_even_rim, is_segmented
from leukemia_tf.data.preprocessing import BACKGROUND

COARSE = 4  # every fourth pixel is enough to count cells
SECOND_CELL = 0.05  # of the largest piece's area: a smaller piece is a speck


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
