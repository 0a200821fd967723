"""Nuclei in a stained smear: where chromatin is, cut at necks, and which pieces are lobes of one nucleus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from leukemia_tf.data.outline import largest_piece
from leukemia_tf.data.segmentation_colours import chromatin, saturation

PALEST = 20  # of 255: paler pixels are no chromatin, even where a picture holds nothing darker
SPECK = 0.08  # of the largest nucleus's area: a smaller piece is debris or a platelet
NECK = 0.7  # of the largest inscribed circle's radius: a piece is cut where it is narrower
RIM = 0.06  # of the cell's radius: so near the outline no nucleus is looked for
SOFT = 0.02  # of the cell's radius: the deviation of the Gaussian that smooths the chromatin's texture
HOLE = 0.03  # of the nucleus's area: a smaller hole is filled


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece of chromatin.

    Parameters
    ----------
    box : tuple of int
        x, y, width, height in the picture.
    mask : numpy.ndarray
        uint8 [height, width], 0 or 1.
    area : int
        In pixels.
    """

    box: tuple[int, int, int, int]
    mask: np.ndarray
    area: int

    @property
    def radius(self) -> float:
        """Of a disc of the same area, in pixels."""
        return float(np.sqrt(self.area / np.pi))

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the box."""
        x, y, width, height = self.box
        return slice(y, y + height), slice(x, x + width)

    def at_border(self, shape: tuple[int, ...]) -> bool:
        """Return whether it touches the border of a picture of this height and width."""
        x, y, width, height = self.box
        return x == 0 or y == 0 or x + width == shape[1] or y + height == shape[0]


def find_pieces(light: np.ndarray) -> list[Piece]:
    """Return the pieces of chromatin, touching ones cut apart at their necks.

    Parameters
    ----------
    light : numpy.ndarray
        uint8 [h, w, 3], as from `transmitted`.

    Returns
    -------
    list of Piece
        From top to bottom, without specks.
    """
    stained = chromatin(light)
    threshold = max(cv2.threshold(stained, 0, 255, cv2.THRESH_OTSU)[0], PALEST)
    dark = (stained > threshold).astype(np.uint8)
    whole = _pieces_of(dark)
    smallest = SPECK * max((piece.area for piece in whole), default=0)
    cut = [part for piece in whole if piece.area >= smallest for part in _cut(piece)]
    return [piece for piece in cut if piece.area >= smallest]


def nucleus_in(light: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return a cell's nucleus: what is dark and coloured inside its outline, by Otsu's threshold.

    Parameters
    ----------
    light : numpy.ndarray
        uint8 [h, w, 3], as from `transmitted`.
    cell : numpy.ndarray
        uint8 [h, w], 0 or 1.

    Returns
    -------
    numpy.ndarray
        uint8 [h, w], 0 or 1.
    """
    radius = np.sqrt(cv2.countNonZero(cell) / np.pi)
    depth = cv2.distanceTransform(np.pad(cell, 1), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    inner = depth > RIM * radius
    stained = cv2.GaussianBlur(saturation(light), (0, 0), SOFT * radius)
    threshold = cv2.threshold(stained[inner], 0, 255, cv2.THRESH_OTSU)[0]
    nucleus = (inner & (stained > threshold)).astype(np.uint8)
    area = cv2.countNonZero(nucleus)
    filled = cell * (1 - _without_small(1 - nucleus, HOLE * area, 4))
    return _without_small(filled, SPECK * area, 8)


def _without_small(mask: np.ndarray, smallest: float, connectivity: int) -> np.ndarray:
    """Return a mask without the pieces of less than `smallest` pixels: uint8 [h, w], 0 or 1."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    large = statistics[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    return large.astype(np.uint8)[labels]


def _pieces_of(mask: np.ndarray) -> list[Piece]:
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask)
    pieces = []
    for number in range(1, count):
        x, y, width, height, area = map(int, statistics[number])
        part = (labels[y : y + height, x : x + width] == number).astype(np.uint8)
        pieces.append(Piece((x, y, width, height), part, area))
    return pieces


def _cut(piece: Piece) -> list[Piece]:
    """Cut a piece at its necks: a watershed of the distance to its outline (Beucher & Lantuéjoul 1979)."""
    filled = np.pad(largest_piece(piece.mask) // 255, 1)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    count, basins = cv2.connectedComponents((depth > NECK * depth.max()).astype(np.uint8))
    if count <= 2:
        return [piece]
    for level in np.arange(NECK * depth.max() - 1, -1, -1):  # flooded from the inside, a pixel of depth at a time
        seeds = (basins == 0).astype(np.uint8)
        _, nearest = cv2.distanceTransformWithLabels(
            seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        owners = np.zeros(int(nearest.max()) + 1, basins.dtype)
        owners[nearest[basins > 0]] = basins[basins > 0]
        basins = np.where(depth > max(level, 0), owners[nearest], 0)
    x, y = piece.box[:2]
    parts = []
    for number in range(1, count):
        for part in _pieces_of(piece.mask * (basins[1:-1, 1:-1] == number).astype(np.uint8)):
            (left, top, width, height) = part.box
            parts.append(Piece((x + left, y + top, width, height), part.mask, part.area))
    return parts


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return several pieces as one."""
    left, top = min(piece.box[0] for piece in pieces), min(piece.box[1] for piece in pieces)
    right = max(piece.box[0] + piece.box[2] for piece in pieces)
    bottom = max(piece.box[1] + piece.box[3] for piece in pieces)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    for piece in pieces:
        x, y, width, height = piece.box
        mask[y - top : y - top + height, x - left : x - left + width] |= piece.mask
    return Piece((left, top, right - left, bottom - top), mask, cv2.countNonZero(mask))
