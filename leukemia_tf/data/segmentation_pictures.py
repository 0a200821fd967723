"""What is drawn of segmented cells: each alone on black, as C-NMC's are; the mask; the outlines on the field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.segmentation import NUCLEUS, FoundCell

SIDE = 450  # pixels: C-NMC's pictures
COLOURS = {True: (0, 160, 0), False: (230, 0, 0)}  # of an outline: kept or left out
NUCLEUS_COLOUR = (0, 0, 255)


def on_black(pixels: np.ndarray, cell: FoundCell, scale: float = 1.0) -> np.ndarray | None:
    """Draw a cell alone on black, the centre of its box in the picture's centre.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [h, w, 3], RGB: the picture that it is in.
    cell : FoundCell
        Where it is.
    scale : float
        How much larger it is drawn.

    Returns
    -------
    numpy.ndarray or None
        uint8 [SIDE, SIDE, 3], RGB; None for a cell that is larger.
    """
    x, y, width, height = cell.box
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if max(size) > SIDE:
        return None
    part, inside = pixels[y : y + height, x : x + width], (cell.mask > 0).astype(np.uint8)
    if scale != 1:
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        inside = (cv2.resize(inside * 255, size, interpolation=cv2.INTER_LINEAR) > 127).astype(np.uint8)
    part = np.maximum(part, BACKGROUND + 1)  # a cell has no pixel as dark as the background
    canvas = np.zeros((SIDE, SIDE, 3), np.uint8)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    canvas[top : top + size[1], left : left + size[0]] = part * inside[..., None]
    return canvas


def draw_mask(shape: tuple[int, ...], cells: Iterable[FoundCell]) -> np.ndarray:
    """Draw nuclei and cytoplasm of cells: uint8 [h, w], 255 nucleus, 128 cytoplasm, 0 else."""
    mask = np.zeros(shape[:2], np.uint8)
    for cell in cells:
        x, y, width, height = cell.box
        part = mask[y : y + height, x : x + width]
        np.maximum(part, cell.mask, out=part)
    return mask


def draw_overlay(pixels: np.ndarray, cells: Sequence[FoundCell]) -> np.ndarray:
    """Draw the outlines on the picture: cells green, those left out red, nuclei blue: uint8 [h, w, 3]."""
    overlay = np.ascontiguousarray(pixels.copy())
    for cell in cells:
        for level, colour in ((1, COLOURS[not cell.problem]), (int(NUCLEUS), NUCLEUS_COLOUR)):
            inside = (cell.mask >= level).astype(np.uint8)
            lines = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=cell.box[:2])[0]
            cv2.drawContours(overlay, lines, -1, colour, 1)
    return overlay
