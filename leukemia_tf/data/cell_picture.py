"""A picture of one cell on black, taken apart for alterations: its pixels, where the cell is, and how to redraw it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from leukemia_tf.data.outline import is_bright, largest_piece
from leukemia_tf.data.preprocessing import BACKGROUND

EDGE = 2  # pixels


@dataclass(frozen=True, eq=False)
class CellPicture:
    """One cell with its mask.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.
    mask : numpy.ndarray
        bool [h, w], as from `cell_mask`.
    seed : int
        Of what is drawn at random; from the picture itself, so that it is the same everywhere.
    """

    pixels: np.ndarray
    mask: np.ndarray
    seed: int = 0

    @cached_property
    def colours(self) -> np.ndarray:
        """The pixels of the cell: uint8 [n, 3]."""
        return self.pixels[self.mask]

    @cached_property
    def depth(self) -> np.ndarray:
        """The distance of each pixel of the cell from the nearest one outside: float32 [h, w], 1 at the outline."""
        return _distance(self.mask)

    @cached_property
    def distance(self) -> np.ndarray:
        """The distance of each pixel outside from the nearest one of the cell: float32 [h, w], 0 inside."""
        return _distance(~self.mask)

    @cached_property
    def core(self) -> np.ndarray:
        """The cell without its edge, which is mixed with the black around it: bool [h, w]."""
        core = self.depth > EDGE
        return core if core.any() else self.mask

    @cached_property
    def core_extended(self) -> np.ndarray:
        """The core, and wherever it is not its nearest pixel: uint8 [h, w, 3]."""
        outside = (~self.core).astype(np.uint8)
        _, nearest = cv2.distanceTransformWithLabels(
            outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        colours = np.zeros((nearest.max() + 1, 3), np.uint8)
        colours[nearest[self.core]] = self.pixels[self.core]
        return colours[nearest]

    @cached_property
    def extended(self) -> np.ndarray:
        """The cell with its edge, and around it the core's nearest pixel: uint8 [h, w, 3]."""
        return np.where(self.mask[..., None], self.pixels, self.core_extended)

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """The box around a cell that is there: top, left, height and width in pixels."""
        rows, columns = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        return int(rows[0]), int(columns[0]), int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)

    def recoloured(self, colours: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the picture with other colours in the cell; what was brighter than the background stays so.

        Parameters
        ----------
        colours : numpy.ndarray
            float or uint8 [n, 3] or [3], cut to 0-255.
        mask : numpy.ndarray, optional
            bool [h, w]: where the n pixels are. By default the whole cell.
        """
        mask = self.mask if mask is None else mask
        former, new = self.pixels[mask], np.empty((np.count_nonzero(mask), 3), np.uint8)
        new[:] = as_pixels(colours)
        new[is_bright(former) & ~is_bright(new)] = BACKGROUND + 1
        picture = self.pixels.copy()
        picture[mask] = new
        return picture

    def with_room(self, margin: int) -> CellPicture:
        """Return the picture with black around it where the cell is nearer than `margin` pixels to its border."""
        top, left, height, width = self.box
        if min(top, left, self.mask.shape[0] - top - height, self.mask.shape[1] - left - width) >= margin:
            return self
        sides = ((margin, margin), (margin, margin))
        return CellPicture(np.pad(self.pixels, (*sides, (0, 0))), np.pad(self.mask, sides), self.seed)


def as_pixels(values: np.ndarray) -> np.ndarray:
    """Round and cut values to 0-255: uint8."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def cell_picture(pixels: np.ndarray, seed: int = 0) -> CellPicture:
    """Return a picture, uint8 [h, w, 3], with its cell's mask."""
    return CellPicture(pixels, cell_mask(pixels), seed)


def cell_mask(pixels: np.ndarray) -> np.ndarray:
    """Return where the cell is: the largest piece that is brighter than the background, without holes.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [h, w, 3], RGB, the background black.

    Returns
    -------
    numpy.ndarray
        bool [h, w]; False everywhere where there is no cell.
    """
    return largest_piece(is_bright(pixels).astype(np.uint8)).astype(bool)


def _distance(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
