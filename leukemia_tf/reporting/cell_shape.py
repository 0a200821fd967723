"""Size, outline and share of black of a photographed cell."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from leukemia_tf.data.outline import is_bright


class Shape(NamedTuple):
    """How a measure is shown."""

    name: str
    unit: str
    digits: int


SHAPES = {  # by their key in metrics.json
    "area": Shape("area", "pixels", 0),
    "circularity": Shape("circularity", "1 for a disc", 3),
    "solidity": Shape("solidity", "area to that of the convex hull", 3),
    "black": Shape("share of black", "of the image", 3),
}
PIXEL = 1.0  # a digitised outline is within a pixel of the true one


def cell_shape(image: np.ndarray) -> dict[str, float]:
    """Measure a cell's size and outline, and how much of its image is background.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.

    Returns
    -------
    dict of str to float
        By the keys of `SHAPES`: `area` in pixels; `circularity`, 4 pi area / perimeter^2; `solidity`, the area to that
        of the convex hull; `black`, 0-1. The outline is that of the largest piece, without holes. NaN where there is
        no cell, but for `area` and `black`.

    Notes
    -----
    The perimeter is that of the polygon that stays within a pixel of the outline (Douglas & Peucker 1973,
    doi:10.3138/FM57-6770-U75U-7727): the steps of the pixels themselves are 5 % too long.
    """
    cell = is_bright(image)
    measured = {"area": float(cell.sum()), "black": float(1 - cell.mean())}
    outlines, _ = cv2.findContours(cell.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea, default=np.zeros((1, 1, 2), np.int32))
    area, hull = cv2.contourArea(outline), cv2.contourArea(cv2.convexHull(outline))
    if not hull:  # no cell, or a line
        return {**measured, "circularity": np.nan, "solidity": np.nan}
    perimeter = cv2.arcLength(cv2.approxPolyDP(outline, PIXEL, closed=True), closed=True)
    return {**measured, "circularity": 4 * np.pi * area / perimeter**2, "solidity": area / hull}
