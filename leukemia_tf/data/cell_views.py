"""The polar view of a cell, by which near-duplicates are found: the cell unrolled around its centroid.

Where the cell is follows from the picture's rim, not from a fixed grey level. So a copy on a grey background, a JPEG or
a smaller copy has the same view as the picture that it was made from.
"""

from __future__ import annotations

import cv2
import numpy as np

from leukemia_tf.data.outline import piece_unlike, rim_colour

VERSION = 2  # of the views; raise it when `unroll` returns others: stored ones are compared with their like only
ANGLES, RADII = 64, 16
REACH = 1.15  # times the radius of a disc of the cell's area
SMALLEST = 8  # pixels: the radius of a cell that can be compared
NEAR = 10  # of 255: a pixel within this of the rim's colour is background
EDGE = 0.04  # of the radius: what lies so near the outline is mixed with the background
CUT = 3.0  # deviations from the mean: what is beyond counts as this much
BELOW = 2.0  # deviations: how far the background lies below the cell's mean
SCALE = 25  # int8 levels in one deviation
COARSE = 4  # every fourth pixel is enough for the cell's typical colour

NOTHING = np.zeros((ANGLES, RADII), np.int8)  # the view of what cannot be compared


def find_cell(pixels: np.ndarray) -> np.ndarray:
    """Return where the cell is: the largest piece that differs from the rim's median colour, without holes.

    A pixel belongs to it where it is at least half as far from the background as the cell's median: so the outline does
    not depend on the noise that a JPEG leaves, nor on the background's brightness.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [height, width, 3], RGB.

    Returns
    -------
    numpy.ndarray
        uint8 [height, width]: 255 inside the cell, else 0; without a cell 0 everywhere.
    """
    background = rim_colour(pixels)
    distances = np.abs(pixels[::COARSE, ::COARSE] - background).max(-1)
    far = distances[distances > NEAR]
    if not far.size:
        return np.zeros(pixels.shape[:2], np.uint8)
    return piece_unlike(pixels, background, max(NEAR, int(np.median(far)) // 2))


def unroll(pixels: np.ndarray) -> np.ndarray:
    """Return a cell's polar view.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [height, width, 3], RGB.

    Returns
    -------
    numpy.ndarray
        int8 [ANGLES, RADII]: grey levels, standardised inside the cell; zeros where there is no cell, or one too small
        or too even to compare.
    """
    cell = find_cell(pixels)
    left, top, width, height = cv2.boundingRect(cell)
    part = slice(top, top + height), slice(left, left + width)
    cell = cell[part]
    moments = cv2.moments(cell, binaryImage=True)
    radius = float(np.sqrt(moments["m00"] / np.pi))
    if radius < SMALLEST:
        return NOTHING
    grey = cv2.cvtColor(pixels[part], cv2.COLOR_RGB2GRAY)
    inside = _standardised(grey, _without_edge(cell, radius), min(1.0, RADII / radius))
    if inside is None:
        return NOTHING
    scales = inside.shape[1] / width, inside.shape[0] / height
    centre = [
        (moments[name] / moments["m00"] + 0.5) * scale - 0.5 for name, scale in zip(("m10", "m01"), scales, strict=True)
    ]
    rings = radius * REACH * (np.arange(RADII) + 0.5) / RADII
    angles = 2 * np.pi * np.arange(ANGLES) / ANGLES
    columns, rows = (
        (place + scale * np.outer(turn, rings)).astype(np.float32)
        for place, scale, turn in zip(centre, scales, (np.cos(angles), np.sin(angles)), strict=True)
    )
    return np.rint(SCALE * cv2.remap(inside, columns, rows, cv2.INTER_LINEAR)).astype(np.int8)


def _without_edge(cell: np.ndarray, radius: float) -> np.ndarray:
    width = 2 * max(1, round(EDGE * radius)) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return cv2.erode(cell, disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def _standardised(grey: np.ndarray, cell: np.ndarray, scale: float) -> np.ndarray | None:
    """Return the cell made smaller, in deviations from its mean, the background at 0; None where it is too even."""
    size = [max(1, round(side * scale)) for side in grey.shape[::-1]]
    inside = cv2.bitwise_and(grey, cell)
    small, share = (
        cv2.resize(image.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA) for image in (inside, cell)
    )
    values, full = 255 * small / np.maximum(share, 1e-3), share > 0.5
    if not full.any() or values[full].std() < 1:
        return None
    deviations = (values - values[full].mean()) / values[full].std()
    return share * (np.clip(deviations, -CUT, CUT) + BELOW)
