"""Explanations that ask a network about altered cells: Score-CAM and occlusion."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from leukemia_tf.explain.regions import cell_of
from leukemia_tf.explain.target import BATCH, Target


def scorecam(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Weigh each map by what the network says of the cell seen through it alone.

    Parameters
    ----------
    target : Target
        The network, and its layer.
    cells : numpy.ndarray
        uint8 [n, size, size, 3].
    signs : numpy.ndarray
        float32 [n]: 1 for what speaks for `all`, -1 for `hem`.

    Returns
    -------
    numpy.ndarray
        float32 [n, h, w], 0 and up.

    Notes
    -----
    The weights are the softmax of the signed logits over the maps; a map that is even everywhere has none. Wang et al.
    2020, arXiv:1910.01279.
    """
    maps = target.maps_and_gradients(cells, signs)[0].numpy()
    return np.stack([_scored(target, *one) for one in zip(cells, maps, signs)])


def _scored(target: Target, cell: np.ndarray, maps: np.ndarray, sign: float) -> np.ndarray:
    lowest, spread = maps.min((0, 1)), np.ptp(maps, (0, 1))
    seen = np.flatnonzero(spread > 0)
    if not len(seen):
        return np.zeros(maps.shape[:2], np.float32)
    scores = [
        sign * target.logits(np.stack([_through((maps[..., k] - lowest[k]) / spread[k], cell) for k in some]))
        for some in np.array_split(seen, -(-len(seen) // BATCH))
    ]
    weights = np.exp(np.concatenate(scores) - np.max(np.concatenate(scores)))
    return np.maximum(maps[..., seen] @ (weights / weights.sum()), 0).astype(np.float32)


def _through(mask: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Darken a cell, uint8 [size, size, 3], by a mask, float [h, w] of 0-1."""
    mask = cv2.resize(mask, cell.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.rint(cell * mask[..., None]).astype(np.uint8)


def occlusion(target: Target, cells: np.ndarray, signs: np.ndarray, side: int | None = None) -> np.ndarray:
    """Tell how far the logit falls when a square of the cell is blurred away.

    Parameters
    ----------
    target : Target
        The network.
    cells : numpy.ndarray
        uint8 [n, size, size, 3].
    signs : numpy.ndarray
        float32 [n].
    side : int, optional
        Of the square, in pixels; an eighth of the cell's by default. It moves by half of it.

    Returns
    -------
    numpy.ndarray
        float32 [n, size, size], 0 and up: the mean fall over the squares that cover a pixel.

    Notes
    -----
    Zeiler & Fergus 2014, arXiv:1311.2901, with the cell's own blurred colours in place of grey, so that neither its
    outline nor its mean colour changes.
    """
    side = side or max(1, cells.shape[1] // 8)
    whole = target.logits(cells)
    return np.stack([_falls(target, cell, sign, logit, side) for cell, sign, logit in zip(cells, signs, whole)])


def _falls(target: Target, cell: np.ndarray, sign: float, logit: float, side: int) -> np.ndarray:
    squares = list(_squares(cell.shape[0], side))
    away, fall, times = blurred(cell), np.zeros(cell.shape[:2]), np.zeros(cell.shape[:2])
    for start in range(0, len(squares), BATCH):
        some = squares[start : start + BATCH]
        altered = np.stack([cell] * len(some))
        for one, place in zip(altered, some):
            one[place] = away[place]
        for place, said in zip(some, target.logits(altered)):
            fall[place] += sign * (logit - said)
            times[place] += 1
    return np.maximum(fall / times, 0).astype(np.float32)


def _squares(size: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Yield squares that cover an image and overlap by half."""
    starts = [*range(0, size - side, max(1, side // 2)), size - side]
    for top in starts:
        for left in starts:
            yield slice(top, top + side), slice(left, left + side)


def blurred(cell: np.ndarray) -> np.ndarray:
    """Blur a cell's inside, and leave its outline: uint8 [size, size, 3], by a Gaussian of a sixteenth of its side."""
    inside = cell_of(cell).astype(np.float32)[..., None]
    width = cell.shape[0] / 16
    colours = cv2.GaussianBlur(cell * inside, (0, 0), width)
    share = cv2.GaussianBlur(inside[..., 0], (0, 0), width)[..., None]
    return np.where(inside > 0, np.rint(colours / np.maximum(share, 1e-6)), cell).astype(np.uint8)
