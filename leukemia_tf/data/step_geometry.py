"""Turns, flips and maps of cells inside a training step, on any Keras backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops

Geometric = Callable[[Any, float], tuple[Any, Any]]
"""Numbers (float32 [n, 3], -1 to 1) and range -> a matrix (float32 [n, 2, 2]) and a shift (float32 [n, 2])."""


def dihedral(cells: Any, views: Any) -> Any:
    """Turn and flip square pictures, exact to the pixel.

    Parameters
    ----------
    cells : tensor
        [n, size, size, 3].
    views : tensor
        int32 [n], 0-7: bit 0 flips left and right, bit 1 up and down, bit 2 swaps rows and columns.

    Returns
    -------
    tensor
        Like `cells`.
    """
    for bit, turn in enumerate((lambda x: ops.flip(x, 2), lambda x: ops.flip(x, 1), _swapped)):
        on = ops.equal(views // 2**bit % 2, 1)
        cells = ops.where(on[:, None, None, None], turn(cells), cells)
    return cells


def _swapped(cells: Any) -> Any:
    return ops.transpose(cells, (0, 2, 1, 3))


def warp(values: Any, amounts: Mapping[str, tuple[Any, float]]) -> Any:
    """Apply geometric transforms in one resampling (bilinear, black beyond the picture).

    Parameters
    ----------
    values : tensor
        float32 [n, size, size, 3].
    amounts : mapping
        Of each transform's name in `GEOMETRIC`: its numbers, float32 [n, 3], 0 where it is off; its range.
    """
    size = values.shape[1]
    centre = (size - 1) / 2
    matrix, shift = np.eye(2, dtype=np.float32)[None], np.zeros((1, 2), np.float32)
    for name, (numbers, reach) in amounts.items():
        turn, move = GEOMETRIC[name](numbers, reach)
        matrix, shift = _product(matrix, turn), shift + move
    offset = centre - matrix[..., 0] * centre - matrix[..., 1] * centre + shift * size
    places = np.arange(size, dtype=np.float32)
    across, down = (
        _each(matrix[:, row, 0]) * places[None, None, :]
        + _each(matrix[:, row, 1]) * places[None, :, None]
        + _each(offset[:, row])
        for row in range(2)
    )
    return _bilinear(values, across, down)


def _bilinear(values: Any, across: Any, down: Any) -> Any:
    """Return the values at these places, float32 [n, size, size] each; black beyond the picture."""
    size, channels = values.shape[1], values.shape[-1]
    left, top = ops.floor(across), ops.floor(down)
    flat = ops.reshape(values, (-1, size * size, channels))

    def corner(x: Any, y: Any) -> Any:
        known = (x >= 0) & (x < size) & (y >= 0) & (y < size)
        place = ops.clip(y, 0, size - 1) * size + ops.clip(x, 0, size - 1)
        place = ops.reshape(ops.cast(place, "int32"), (-1, size * size, 1))
        share = (1 - ops.abs(across - x)) * (1 - ops.abs(down - y)) * ops.cast(known, "float32")
        picked = ops.take_along_axis(flat, ops.broadcast_to(place, ops.shape(flat)), axis=1)
        return ops.reshape(picked, (-1, size, size, channels)) * share[..., None]

    return sum(corner(left + x, top + y) for x in (0, 1) for y in (0, 1))


def _each(values: Any) -> Any:
    return values[:, None, None]


def _product(first: Any, second: Any) -> Any:
    """Multiply 2 x 2 matrices in full precision: a GPU's matrix product would round."""
    return ops.sum(first[:, :, :, None] * second[:, None, :, :], axis=2)


def _rotation(numbers: Any, reach: float) -> tuple[Any, Any]:
    angle = numbers[:, 0] * reach * (math.pi / 180)
    cosine, sine = ops.cos(angle), ops.sin(angle)
    matrix = ops.reshape(ops.stack([cosine, -sine, sine, cosine], axis=1), (-1, 2, 2))
    return matrix, ops.zeros_like(numbers[:, :2])


def _scaled(factor: Any) -> Any:
    """Return the unit matrix times a factor of each cell: float32 [n] -> [n, 2, 2]."""
    return np.eye(2, dtype=np.float32) * factor[:, None, None]


def _translation(numbers: Any, reach: float) -> tuple[Any, Any]:
    return _scaled(ops.ones_like(numbers[:, 0])), numbers[:, :2] * reach


def _zoom(numbers: Any, reach: float) -> tuple[Any, Any]:
    return _scaled(1 / (1 + numbers[:, 0] * reach)), ops.zeros_like(numbers[:, :2])


def _crop(numbers: Any, reach: float) -> tuple[Any, Any]:
    """Enlarge a window that has its place at random inside the picture."""
    side = 1 - ops.abs(numbers[:, 0] * reach)
    return _scaled(side), numbers[:, 1:] * (1 - side)[:, None] / 2


GEOMETRIC: dict[str, Geometric] = {
    "rotation": _rotation,
    "translation": _translation,
    "zoom": _zoom,
    "crop": _crop,
}
