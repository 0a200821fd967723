"""Measures of faithfulness: the logit without the hot regions, and the maps of a network with shuffled weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import cv2
import keras
import numpy as np
from scipy.stats import rankdata

from leukemia_tf.data.outline import is_bright
from leukemia_tf.explain.perturbation import blurred
from leukemia_tf.explain.target import Target

GRID = 15  # squares a side, over which all maps are averaged, so that fine and coarse ones rank the same places
STEPS = 10  # of a curve


def squares_of(heat: np.ndarray) -> np.ndarray:
    """Average a map, float or bool [h, w], over squares: float32 [GRID, GRID]."""
    heat = heat.astype(np.float32)
    if min(heat.shape) < GRID:
        heat = cv2.resize(heat, (GRID * 4, GRID * 4), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(heat, (GRID, GRID), interpolation=cv2.INTER_AREA)


def random_squares(rng: np.random.Generator) -> np.ndarray:
    """Return a map without information: float32 [GRID, GRID]."""
    return rng.random((GRID, GRID), np.float32)


def centre_blob() -> np.ndarray:
    """Return a map that only knows that a cell lies in the middle: a Gaussian, float32 [GRID, GRID]."""
    distance = np.arange(GRID) - (GRID - 1) / 2
    return np.exp(-(distance[:, None] ** 2 + distance**2) / (2 * (GRID / 6) ** 2)).astype(np.float32)


def cell_squares(cell: np.ndarray) -> np.ndarray:
    """Return which squares touch the cell, uint8 [size, size, 3], all if there is none: bool [GRID, GRID]."""
    inside = squares_of(is_bright(cell)) > 0
    return inside if inside.any() else ~inside


def curves(target: Target, cell: np.ndarray, sign: float, squares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the signed logit while squares of the cell are blurred, the hottest first, and while they are restored.

    Parameters
    ----------
    target : Target
        The network.
    cell : numpy.ndarray
        uint8 [size, size, 3].
    sign : float
        1 for `all`, -1 for `hem`.
    squares : numpy.ndarray
        float [GRID, GRID].
    rng : numpy.random.Generator
        For the order of squares of the same heat.

    Returns
    -------
    numpy.ndarray
        float32 [2, STEPS + 1]: the signed logits of deletion (from the cell to all blurred) and of insertion (the other
        way). The blurred part keeps its outline and its mean colour, with soft edges to the rest.

    Notes
    -----
    Petsiuk, Das & Saenko 2018, arXiv:1806.07421.
    """
    inside = cell_squares(cell)
    order = np.lexsort((rng.random(squares.size), -squares.ravel()))
    order = order[inside.ravel()[order]]
    rank = np.full(squares.size, -1)  # squares beside the cell are black, blurred or not
    rank[order] = np.arange(len(order))
    blurred_cell, deleted, inserted = blurred(cell).astype(np.float32), [], []
    for step in range(STEPS + 1):
        hot = (rank < len(order) * step / STEPS).reshape(squares.shape).astype(np.float32)
        share = _soft_mask(hot, cell.shape[0])[..., None]
        deleted.append(cell + share * (blurred_cell - cell))
        inserted.append(blurred_cell + share * (cell - blurred_cell))
    return sign * target.logits(np.rint([*deleted, *inserted]).astype(np.uint8)).reshape(2, STEPS + 1)


def _soft_mask(hot: np.ndarray, side: int) -> np.ndarray:
    """Enlarge squares, float32 [GRID, GRID], to float32 [side, side], with edges an eighth of a square soft."""
    large = cv2.resize(hot, (side, side), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(large, (0, 0), side / GRID / 8, borderType=cv2.BORDER_REPLICATE)


def gains(signed: np.ndarray) -> tuple[float, float]:
    """Return the mean fall of the logit during deletion, and its mean rise during insertion.

    Parameters
    ----------
    signed : numpy.ndarray
        As from `curves`.
    """
    deletion, insertion = signed
    return float(deletion[0] - deletion.mean()), float(insertion.mean() - insertion[0])


def rank_correlation(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Return the rank correlation (Spearman's) of two maps at some places; 0 if one of them is constant there.

    Parameters
    ----------
    one, other : numpy.ndarray
        float [GRID, GRID].
    where : numpy.ndarray
        bool [GRID, GRID]: the cell's squares. Over the whole frame the cell's outline alone correlates them.
    """
    ranks = np.stack([rankdata(one[where]), rankdata(other[where])])
    return float(np.corrcoef(ranks)[0, 1]) if ranks.std(1).min() > 0 else 0.0


@contextmanager
def shuffled(
    model: keras.Model, groups: Sequence[Collection[keras.layers.Layer]], seed: int
) -> Iterator[Callable[[int], None]]:
    """Shuffle the weights of a network's groups of layers, one after the other; restore them at the end.

    The values of each variable are permuted, so that their distribution stays.

    Parameters
    ----------
    model : keras.Model
        The network.
    groups : sequence of collections of keras.layers.Layer
        Layers whose weights are shuffled together.
    seed : int
        Of the permutations.

    Yields
    ------
    callable
        Shuffles the group with this number.

    Notes
    -----
    Adebayo et al. 2018, arXiv:1810.03292, the cascading test.
    """
    weights, rng = model.get_weights(), np.random.default_rng(seed)

    def shuffle(number: int) -> None:
        for layer in groups[number]:
            layer.set_weights([rng.permuted(values.ravel()).reshape(values.shape) for values in layer.get_weights()])

    try:
        yield shuffle
    finally:
        model.set_weights(weights)
