"""Which pieces of chromatin are lobes of one cell's nucleus, and which are nuclei of two cells that touch.

Two cells that touch meet in a waist; the parts of one cell around its lobes have none between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import cv2
import numpy as np

from leukemia_tf.data.segmentation_nuclei import Piece, joined
from leukemia_tf.data.segmentation_outline import cell_outline, window_around

GAP = 2.0  # times the larger piece's radius: lobes of one nucleus are no farther apart
TOUCHING = 2.0  # pixels: a piece at the picture's border is a lobe only of a nucleus that is so close
NARROW = 0.5  # width of the waist between two outlines: up to this they are two cells that touch
WHOLE = 1.15  # width of the waist in an outline around both: from this they are one cell


def group_lobes(light: np.ndarray, pieces: Sequence[Piece], as_crop: bool = False) -> list[list[Piece]]:
    """Return the pieces of each cell's nucleus.

    Parameters
    ----------
    light : numpy.ndarray
        uint8 [h, w, 3], as from `transmitted`.
    pieces : sequence of Piece
        As from `find_pieces`.
    as_crop : bool
        Whether the picture is taken for a crop of one cell, all of whose pieces may be its lobes.
    """
    if len(pieces) < 2:
        return [[piece] for piece in pieces]
    widths = contacts(outlined(light, pieces))
    same = []
    for pair in combinations(range(len(pieces)), 2):
        one, other = (pieces[place] for place in pair)
        cut_off = one.at_border(light.shape) != other.at_border(light.shape)
        likely = as_crop or widths.get(pair, 0.0) > NARROW
        if likely and _near(one, other, cut_off and not as_crop) and _one_cell(light, one, other):
            same.append(pair)
    return [[pieces[place] for place in group] for group in _linked(len(pieces), same)]


def outlined(light: np.ndarray, nuclei: Sequence[Piece]) -> np.ndarray:
    """Return the number of the cell that each pixel is in, that of the nearest nucleus: int32 [h, w], -1 for none."""
    owner = np.full(light.shape[:2], -1, np.int32)
    nearest = np.full(light.shape[:2], np.inf, np.float32)
    numbers = np.full(light.shape[:2], -1, np.int32)
    for number, nucleus in enumerate(nuclei):
        numbers[nucleus.window][nucleus.mask > 0] = number
    for number, nucleus in enumerate(nuclei):
        window = window_around(nucleus.box, nucleus.radius, light.shape)
        mask = (numbers[window] == number).astype(np.uint8)
        others = (numbers[window] >= 0).astype(np.uint8) - mask
        cell = cell_outline(light[window], mask, others)
        distance = _distance_to(mask)
        closer = (cell > 0) & (distance < nearest[window])
        owner[window][closer] = number
        nearest[window][closer] = distance[closer]
    return owner


def contacts(owner: np.ndarray) -> dict[tuple[int, int], float]:
    """Return how wide the waist between regions is.

    Parameters
    ----------
    owner : numpy.ndarray
        int [h, w]: the number of each pixel's region, -1 for none.

    Returns
    -------
    dict
        By pair of numbers, the lower first: the length of their border over the diameter of a disc of the smaller
        region's area. Two discs that touch in a point have 0, the halves of one disc 1.4.
    """
    numbers, areas = np.unique(owner[owner >= 0], return_counts=True)
    diameters = dict(zip(numbers.tolist(), 2 * np.sqrt(areas / np.pi), strict=True))
    found: dict[tuple[int, int], float] = {}
    for one, other in ((owner[1:], owner[:-1]), (owner[:, 1:], owner[:, :-1])):
        met = (one != other) & (one >= 0) & (other >= 0)
        pairs, counts = np.unique(np.sort([one[met], other[met]], axis=0), axis=1, return_counts=True)
        for (low, high), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            width = np.pi / 4 * count / min(diameters[low], diameters[high])  # steps along a slanted line are longer
            found[low, high] = found.get((low, high), 0.0) + float(width)
    return found


def _one_cell(light: np.ndarray, one: Piece, other: Piece) -> bool:
    """Return whether the outline around two pieces has no waist between them."""
    whole = joined([one, other])
    window = window_around(whole.box, whole.radius, light.shape)
    masks = [_paste(piece, window) for piece in (one, other)]
    nucleus = np.maximum(*masks)
    cell = cell_outline(light[window], nucleus, np.zeros_like(nucleus))
    halves = np.where(cell > 0, np.argmin([_distance_to(mask) for mask in masks], axis=0), -1)
    return contacts(halves).get((0, 1), 0.0) >= WHOLE


def _near(one: Piece, other: Piece, cut_off: bool) -> bool:
    window = joined([one, other]).window
    gap = _distance_to(_paste(one, window))[_paste(other, window) > 0].min()
    return bool(gap <= (TOUCHING if cut_off else GAP * max(one.radius, other.radius)))


def _distance_to(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)


def _paste(piece: Piece, window: tuple[slice, slice]) -> np.ndarray:
    """Return a piece in a window of the picture that holds all of it: uint8 [rows, columns], 0 or 1."""
    rows, columns = window
    mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
    x, y, width, height = piece.box
    top, left = y - rows.start, x - columns.start
    mask[top : top + height, left : left + width] = piece.mask
    return mask


def _linked(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the connected groups of so many things, by pairs that belong together."""
    group = list(range(count))
    for one, other in pairs:
        low, high = sorted((group[one], group[other]))
        group = [low if number == high else number for number in group]
    return [[place for place in range(count) if group[place] == number] for number in sorted(set(group))]
