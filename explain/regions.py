"""Regions of a cell, and how much of a heat map lies in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from leukemia_tf.data.outline import is_bright

BORDER = 1 / 16  # width of the frame's border, as a share of the side of what the network sees
EDGE = 0.1  # half the width of the edge, as a share of the radius of a disc of the cell's area


def cell_parts(image: np.ndarray) -> dict[str, np.ndarray]:
    """Segment a cell into its parts.

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
    cell = is_bright(image)
    if not cell.any():
        return dict.fromkeys(("cell", "core", "rim"), cell)
    green = image[..., 1]
    threshold, _ = cv2.threshold(green[cell][:, None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return {"cell": cell, "core": cell & (green <= threshold), "rim": cell & (_depth(cell) <= _edge_width(cell))}


def heat_parts(image: np.ndarray, box: Sequence[int]) -> dict[str, np.ndarray]:
    """Return the parts of an image by which the heat of a map is stated.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.
    box : sequence of int
        Top, left, height and width of what the network sees of it, which may reach past the image.

    Returns
    -------
    dict of str to numpy.ndarray
        bool [h, w] each: those of `cell_parts`; `outside`, where the cell is not; `border`, the part of that along the
        border of what the network sees, where zero padding can be seen.
    """
    parts = cell_parts(image)
    return {**parts, "outside": ~parts["cell"], "border": _border(parts["cell"].shape, box) & ~parts["cell"]}


def boundary_zones(image: np.ndarray) -> dict[str, np.ndarray]:
    """Split an image into the inside of the cell, its edge (a tenth of a radius to either side) and the outside.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.

    Returns
    -------
    dict of str to numpy.ndarray
        bool [h, w] each, disjoint: `inside`, `edge`, `outside`.
    """
    cell = is_bright(image)
    edge = np.maximum(_depth(cell), _depth(~cell)) <= _edge_width(cell) if cell.any() else cell
    return {"inside": cell & ~edge, "edge": edge, "outside": ~cell & ~edge}


def heat_shares(heat: np.ndarray, parts: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the share of a map's heat in each part, 0-1; NaN for a map without heat."""
    total = float(heat.sum())
    return {name: float(heat[part].sum()) / total if total > 0 else float("nan") for name, part in parts.items()}


def _border(sides: Sequence[int], box: Sequence[int]) -> np.ndarray:
    """Return the pixels along the inside of a box: bool [h, w]."""
    top, left, height, width = box
    down, across = round(BORDER * height), round(BORDER * width)
    border = np.zeros(sides, bool)
    border[max(top, 0) : top + height, max(left, 0) : left + width] = True
    border[max(top + down, 0) : top + height - down, max(left + across, 0) : left + width - across] = False
    return border


def _depth(mask: np.ndarray) -> np.ndarray:
    """Return the distance of each pixel of a mask from its outline, in pixels: float32 [h, w], 0 outside.

    The border of the image is no outline.
    """
    between = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)  # two pixels' centres
    return np.maximum(between - 0.5, 0)


def _edge_width(cell: np.ndarray) -> float:
    return EDGE * float(np.sqrt(cell.sum() / np.pi))
