"""Whether heat maps tell the truth: what happens to the answer without the hot places, and without the network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import cv2
import keras
import numpy as np
from scipy.stats import rankdata

from leukemia_tf.explain.altered import blurred
from leukemia_tf.explain.regions import cell_of
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
    """Return a map that knows nothing: float32 [GRID, GRID]."""
    return rng.random((GRID, GRID), np.float32)


def centre_blob() -> np.ndarray:
    """Return a map that knows that a cell lies in the middle: a Gaussian, float32 [GRID, GRID]."""
    away = np.arange(GRID) - (GRID - 1) / 2
    return np.exp(-(away[:, None] ** 2 + away**2) / (2 * (GRID / 6) ** 2)).astype(np.float32)


def cell_squares(cell: np.ndarray) -> np.ndarray:
    """Return which squares have a part of a cell, uint8 [size, size, 3], all if there is none: bool [GRID, GRID]."""
    inside = squares_of(cell_of(cell)) > 0
    return inside if inside.any() else ~inside


def curves(target: Target, cell: np.ndarray, sign: float, squares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the answer's logit while squares of the cell are blurred, the hottest first, and while they come back.

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
        way). What is blurred keeps its outline and its mean colour, and passes softly into what is not.

    Notes
    -----
    Petsiuk, Das & Saenko 2018, arXiv:1806.07421.
    """
    inside = cell_squares(cell)
    order = np.lexsort((rng.random(squares.size), -squares.ravel()))
    order = order[inside.ravel()[order]]
    rank = np.full(squares.size, -1)  # what is beside the cell is black, blurred or not
    rank[order] = np.arange(len(order))
    away, deleted, inserted = blurred(cell).astype(np.float32), [], []
    for step in range(STEPS + 1):
        hot = (rank < len(order) * step / STEPS).reshape(squares.shape).astype(np.float32)
        share = _softly(hot, cell.shape[0])[..., None]
        deleted.append(cell + share * (away - cell))
        inserted.append(away + share * (cell - away))
    return sign * target.logits(np.rint([*deleted, *inserted]).astype(np.uint8)).reshape(2, STEPS + 1)


def _softly(hot: np.ndarray, side: int) -> np.ndarray:
    """Enlarge squares, float32 [GRID, GRID], to float32 [side, side], with edges an eighth of a square soft."""
    large = cv2.resize(hot, (side, side), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(large, (0, 0), side / GRID / 8, borderType=cv2.BORDER_REPLICATE)


def gains(signed: np.ndarray) -> tuple[float, float]:
    """Return how far the logit falls in the mean of a deletion, and how far it rises in the mean of an insertion.

    Parameters
    ----------
    signed : numpy.ndarray
        As from `curves`.
    """
    deletion, insertion = signed
    return float(deletion[0] - deletion.mean()), float(insertion.mean() - insertion[0])


def alike(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    """Return the rank correlation (Spearman's) of two maps of one shape at some places; 0 if one of them is even there.

    Parameters
    ----------
    one, other : numpy.ndarray
        float [GRID, GRID].
    where : numpy.ndarray
        bool [GRID, GRID]: the cell's squares. Over the whole frame the cell's outline alone makes maps alike.
    """
    ranks = np.stack([rankdata(one[where]), rankdata(other[where])])
    return float(np.corrcoef(ranks)[0, 1]) if ranks.std(1).min() > 0 else 0.0


@contextmanager
def shuffled(
    model: keras.Model, groups: Sequence[Collection[keras.layers.Layer]], seed: int
) -> Iterator[Callable[[int], None]]:
    """Give what shuffles the weights of a network's groups of layers, one after the other; put them back at the end.

    Each variable's own values change places, so that their distribution stays.

    Parameters
    ----------
    model : keras.Model
        The network.
    groups : sequence of collections of keras.layers.Layer
        Layers whose weights are shuffled together.
    seed : int
        What the order depends on.

    Yields
    ------
    callable
        Shuffles the group of a number.

    Notes
    -----
    Adebayo et al. 2018, arXiv:1810.03292, the cascading test.
    """
    kept, rng = model.get_weights(), np.random.default_rng(seed)

    def shuffle(number: int) -> None:
        for layer in groups[number]:
            layer.set_weights([rng.permuted(values.ravel()).reshape(values.shape) for values in layer.get_weights()])

    try:
        yield shuffle
    finally:
        model.set_weights(kept)
