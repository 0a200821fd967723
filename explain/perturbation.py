"""Explanations from predictions of perturbed cells: Score-CAM and occlusion."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from leukemia_tf.data.outline import is_bright
from leukemia_tf.explain.target import BATCH, Target


def scorecam(target: Target, cells: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Weight each map, less that of an empty frame, by the logit of the cell masked by that map.

    Parameters
    ----------
    target : Target
        The network, and its layer.
    cells : numpy.ndarray
        uint8 [n, size, size, 3].
    signs : numpy.ndarray
        float32 [n]: 1 to explain `all`, -1 to explain `hem`.

    Returns
    -------
    numpy.ndarray
        float32 [n, h, w], 0 and more.

    Notes
    -----
    The weights are the softmax of the signed logits over the maps; a constant map has none. Wang et al. 2020,
    arXiv:1910.01279.
    """
    maps = target.evidence(cells, signs)[-1].added.numpy()
    return np.stack([_scorecam(target, *one) for one in zip(cells, maps, signs)])


def _scorecam(target: Target, cell: np.ndarray, maps: np.ndarray, sign: float) -> np.ndarray:
    lowest, spread = maps.min((0, 1)), np.ptp(maps, (0, 1))
    varied = np.flatnonzero(spread > 0)
    if not len(varied):
        return np.zeros(maps.shape[:2], np.float32)
    scores = [
        sign * target.logits(np.stack([_masked(cell, (maps[..., k] - lowest[k]) / spread[k]) for k in batch]))
        for batch in np.array_split(varied, -(-len(varied) // BATCH))
    ]
    weights = np.exp(np.concatenate(scores) - np.max(np.concatenate(scores)))
    return np.maximum(maps[..., varied] @ (weights / weights.sum()), 0).astype(np.float32)


def _masked(cell: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Multiply a cell, uint8 [size, size, 3], by a mask, float [h, w] of 0-1."""
    mask = cv2.resize(mask, cell.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.rint(cell * mask[..., None]).astype(np.uint8)


def occlusion(target: Target, cells: np.ndarray, signs: np.ndarray, side: int | None = None) -> np.ndarray:
    """Measure the fall of the logit while a square of the cell is blurred.

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
        float32 [n, size, size], 0 and more: the mean fall over the squares that cover a pixel; 0 outside the cell,
        where nothing is blurred.

    Notes
    -----
    Zeiler & Fergus 2014, arXiv:1311.2901, with the cell's blurred colours in place of grey, so that neither its outline
    nor its mean colour changes.
    """
    side = side or max(1, cells.shape[1] // 8)
    logits = target.logits(cells)
    return np.stack([_occlusion(target, cell, sign, logit, side) for cell, sign, logit in zip(cells, signs, logits)])


def _occlusion(target: Target, cell: np.ndarray, sign: float, logit: float, side: int) -> np.ndarray:
    squares = list(_squares(cell.shape[0], side))
    blurred_cell, fall, times = blurred(cell), np.zeros(cell.shape[:2]), np.zeros(cell.shape[:2])
    for start in range(0, len(squares), BATCH):
        batch = squares[start : start + BATCH]
        perturbed = np.stack([cell] * len(batch))
        for image, square in zip(perturbed, batch):
            image[square] = blurred_cell[square]
        for square, perturbed_logit in zip(batch, target.logits(perturbed)):
            fall[square] += sign * (logit - perturbed_logit)
            times[square] += 1
    return np.where(is_bright(cell), np.maximum(fall / times, 0), 0).astype(np.float32)


def _squares(size: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Yield squares that cover an image and overlap by half."""
    starts = [*range(0, size - side, max(1, side // 2)), size - side]
    for top in starts:
        for left in starts:
            yield slice(top, top + side), slice(left, left + side)


def blurred(cell: np.ndarray) -> np.ndarray:
    """Blur a cell inside its outline: uint8 [size, size, 3], by a Gaussian of a sixteenth of its side."""
    inside = is_bright(cell).astype(np.float32)[..., None]
    width = cell.shape[0] / 16
    colours = cv2.GaussianBlur(cell * inside, (0, 0), width)
    share = cv2.GaussianBlur(inside[..., 0], (0, 0), width)[..., None]
    return np.where(inside > 0, np.rint(colours / np.maximum(share, 1e-6)), cell).astype(np.uint8)
