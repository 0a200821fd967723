"""From a photograph of a stained smear, a whole field or a crop, to its white blood cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from leukemia_tf.data.outline import largest_piece
from leukemia_tf.data.segmentation_colours import transmitted
from leukemia_tf.data.segmentation_groups import NARROW, contacts, group_lobes, outlined
from leukemia_tf.data.segmentation_nuclei import Piece, find_pieces, joined, nucleus_in
from leukemia_tf.data.segmentation_outline import window_around

NUCLEUS, CYTOPLASM = np.uint8(255), np.uint8(128)  # in a mask
SMALLEST = 0.12  # of the largest nucleus's area: what is smaller is a platelet or debris
LEAST, FEWEST = 5.0, 20.0  # micrometres, pixels: a smaller diameter is no white blood cell's, or shows nothing of it
CROP = 1 / 3  # of the picture's smaller side: a cell in its middle that is so large makes it a crop

Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the picture

AT_BORDER = "at the border of the picture"
TOO_SMALL = "too small for a white blood cell: a platelet or debris"
CLUMPED = "clumped: no clear border to the next cell"


@dataclass(frozen=True, eq=False)
class FoundCell:
    """A white blood cell in a picture.

    Parameters
    ----------
    box : tuple of int
        x, y, width, height in pixels of the picture.
    mask : numpy.ndarray
        uint8 [height, width]: 255 nucleus, 128 cytoplasm, 0 else.
    problem : str
        Why it is left out; empty if it is not.
    """

    box: Box
    mask: np.ndarray
    problem: str = ""

    @property
    def area(self) -> int:
        """Of the whole cell, in pixels."""
        return cv2.countNonZero(self.mask)


def find_cells(pixels: np.ndarray) -> list[FoundCell]:
    """Find the white blood cells in a picture.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [h, w, 3], RGB: a smear in a Romanowsky stain (Wright, Giemsa, Leishman) with its background.

    Returns
    -------
    list of FoundCell
        From top to bottom, also those that should be left out.
    """
    light = transmitted(pixels)
    pieces = find_pieces(light)
    cells = _cells_of(light, group_lobes(light, pieces))
    if _count(cells) != 1 and any(_is_crop_of(cell.box, pixels.shape) for cell in cells):
        whole = _cells_of(light, group_lobes(light, pieces, as_crop=True))  # it may be tight, without a background
        cells = whole if _count(whole) == 1 else cells
    return cells


def _count(cells: Sequence[FoundCell]) -> int:
    return sum(not cell.problem for cell in cells)


def _cells_of(light: np.ndarray, groups: Sequence[Sequence[Piece]]) -> list[FoundCell]:
    """Return the cell around each group of lobes."""
    nuclei = [joined(group) for group in groups]
    smallest = SMALLEST * max((nucleus.area for nucleus in nuclei), default=0)
    small = [FoundCell(nucleus.box, nucleus.mask * NUCLEUS, TOO_SMALL) for nucleus in nuclei if nucleus.area < smallest]
    nuclei = [nucleus for nucleus in nuclei if nucleus.area >= smallest]
    owner = outlined(light, nuclei)
    cells = {number: cell for number, nucleus in enumerate(nuclei) if (cell := _cut_out(light, owner, number, nucleus))}
    problems = {number: _at_border(cell.box, owner.shape) for number, cell in cells.items()}
    for (one, other), width in contacts(owner).items():
        if width > NARROW:
            for number, beside in ((one, other), (other, one)):
                if not (_is_crop_of(cells[number].box, owner.shape) and problems[beside] == AT_BORDER):
                    problems[number] = problems[number] or CLUMPED
    return [*(replace(cell, problem=problems[number]) for number, cell in cells.items()), *small]


def without_too_small(cells: Sequence[FoundCell], pixel_size: float | None) -> list[FoundCell]:
    """Return cells, with the problem named of those that are too small for white blood cells.

    Parameters
    ----------
    cells : sequence of FoundCell
        As from `find_cells`.
    pixel_size : float, optional
        Micrometres per pixel; without it only what is too small to show anything is too small.
    """
    smallest = max(FEWEST, LEAST / pixel_size if pixel_size else 0.0)
    return [
        replace(cell, problem=TOO_SMALL) if 2 * np.sqrt(cell.area / np.pi) < smallest and not cell.problem else cell
        for cell in cells
    ]


def _cut_out(light: np.ndarray, owner: np.ndarray, number: int, nucleus: Piece) -> FoundCell | None:
    """Return a cell, or None where nothing is left of it."""
    rows, columns = window_around(nucleus.box, nucleus.radius, light.shape)
    whole = largest_piece((owner[rows, columns] == number).astype(np.uint8)) // 255
    x, y, width, height = cv2.boundingRect(whole)
    if not width:
        return None
    part = slice(y, y + height), slice(x, x + width)
    cell = whole[part]
    mask = cell * CYTOPLASM
    mask[nucleus_in(light[rows, columns][part], cell) > 0] = NUCLEUS
    return FoundCell((columns.start + x, rows.start + y, width, height), mask)


def _at_border(box: Box, shape: tuple[int, ...]) -> str:
    """Return the problem of a cell that reaches the border of a picture which is no crop of it; else nothing."""
    x, y, width, height = box
    reaches = x == 0 or y == 0 or x + width == shape[1] or y + height == shape[0]
    return AT_BORDER if reaches and not _is_crop_of(box, shape) else ""


def _is_crop_of(box: Box, shape: tuple[int, ...]) -> bool:
    """Return whether a picture is a crop of one cell: large in it, and in its middle."""
    x, y, width, height = box
    central = x <= shape[1] / 2 < x + width and y <= shape[0] / 2 < y + height
    return central and max(width, height) >= CROP * min(shape[:2])
