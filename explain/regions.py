"""The parts of a cell, and how much of a heat map lies in each."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from leukemia_tf.data.settings import BACKGROUND

EDGE = 0.1  # half the width of the edge, as a share of the radius of a disc of the cell's area


def cell_of(image: np.ndarray) -> np.ndarray:
    """Return where an image, uint8 [h, w, 3], is brighter than the background: bool [h, w]."""
    red, green, blue = (image[..., channel] > BACKGROUND for channel in range(3))  # ten times as fast as a maximum
    return red | green | blue


def parts_of(image: np.ndarray) -> dict[str, np.ndarray]:
    """Tell the parts of a cell apart.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.

    Returns
    -------
    dict of str to numpy.ndarray
        bool [h, w] each: `cell`; `core`, the darker of its two shades of green by Otsu's threshold, as nuclei are;
        `rim`, its outermost tenth of a radius. All empty where there is no cell.

    Notes
    -----
    Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    cell = cell_of(image)
    if not cell.any():
        return dict.fromkeys(("cell", "core", "rim"), cell)
    green = image[..., 1]
    threshold, _ = cv2.threshold(green[cell][:, None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return {"cell": cell, "core": cell & (green <= threshold), "rim": cell & (_depth(cell) <= _band(cell))}


def belt_of(image: np.ndarray) -> dict[str, np.ndarray]:
    """Tell apart what lies inside a cell, on its edge (a tenth of a radius to either side), and outside.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.

    Returns
    -------
    dict of str to numpy.ndarray
        bool [h, w] each, disjoint: `inside`, `edge`, `outside`.
    """
    cell = cell_of(image)
    edge = np.maximum(_depth(cell), _depth(~cell)) <= _band(cell) if cell.any() else cell
    return {"inside": cell & ~edge, "edge": edge, "outside": ~cell & ~edge}


def shares_of(heat: np.ndarray, parts: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return which share of a map's heat lies in each part, 0-1; NaN for a map without heat."""
    total = float(heat.sum())
    return {name: float(heat[part].sum()) / total if total > 0 else float("nan") for name, part in parts.items()}


def _depth(mask: np.ndarray) -> np.ndarray:
    """Return how far each pixel of a mask lies from its outline, in pixels: float32 [h, w], 0 outside.

    The picture's end is no outline.
    """
    between = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)  # two pixels' centres
    return np.maximum(between - 0.5, 0)


def _band(cell: np.ndarray) -> float:
    return EDGE * float(np.sqrt(cell.sum() / np.pi))
