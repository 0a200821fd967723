"""Random views of cells inside a training step: on the device, in one compiled graph, on any Keras backend.

The same views as those of `leukemia_tf.data.augmentation`, which the processor draws beside the steps: a view follows
from the same row of draws and differs by rounding, noise by other normal numbers. Every shape is static and nothing
calls back into Python, so XLA compiles a step with its views. What is computed is computed of every cell, and chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from leukemia_tf.config import Augmentation
from leukemia_tf.data.draws import MIXING, TRANSFORMS, TURNS, draws_of, is_on
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.step_filters import channel_shift, gaussian_blur, gaussian_noise
from leukemia_tf.data.step_geometry import GEOMETRIC, dihedral, warp
from leukemia_tf.data.step_jpeg import stored_as_jpeg

_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])  # Ruifrok & Johnston 2001
TO_DENSITY = (_STAINS / np.linalg.norm(_STAINS, axis=1, keepdims=True)).astype(np.float32)
FROM_DENSITY = np.linalg.inv(TO_DENSITY).astype(np.float32)

Colour = Callable[[Any, Any, float, Any], Any]
"""Pixels (float32 [n, h, w, 3], 0-255), numbers (float32 [n, 3], -1 to 1), range, cell mask -> pixels."""


def augment_in_step(cells: Any, draws: Any, settings: Augmentation) -> Any:
    """Return a random view of each cell.

    Parameters
    ----------
    cells : tensor
        uint8 [n, size, size, 3], RGB, 0-255.
    draws : tensor
        float32 [n, transforms, NUMBERS], rows of `epoch_draws`.
    settings : Augmentation
        Probability and range of each transform; MixUp and CutMix are not applied here.

    Returns
    -------
    tensor
        uint8 [n, size, size, 3].
    """
    if settings.dihedral:
        cells = dihedral(cells, ops.cast(draws_of(draws, "dihedral")[:, 1] * TURNS, "int32"))
    if not any(is_on(settings, name) for name in TRANSFORMS if name not in ("dihedral", *MIXING)):
        return cells
    values = _warped(ops.cast(cells, "float32"), draws, settings)
    inside = ops.max(values, axis=-1, keepdims=True) > BACKGROUND
    coloured = values
    for name, change in COLOURS.items():
        if is_on(settings, name):
            on, numbers, reach = _amounts(draws, settings, name)
            coloured = ops.where(_each(on), change(coloured, numbers, reach, inside), coloured)
    lost = ops.max(coloured, axis=-1, keepdims=True) <= BACKGROUND  # a cell's pixel stays a cell's
    values = ops.where(inside, ops.where(lost, BACKGROUND + 1.0, coloured), values)
    values = ops.round(ops.clip(values, 0.0, 255.0))
    if is_on(settings, "jpeg"):
        on, numbers, reach = _amounts(draws, settings, "jpeg")
        quality = ops.round(100.0 - ops.abs(numbers[:, 0]) * reach)
        values = ops.where(_each(on), stored_as_jpeg(values, quality), values)
    return ops.cast(values, "uint8")


def all_in_step(settings: Augmentation) -> bool:
    """Return whether each transform that is on can be applied inside a step: one of two cells, or a new one, cannot."""
    here = {"dihedral", *GEOMETRIC, *COLOURS, "jpeg"}
    return not any(is_on(settings, name) for name in TRANSFORMS if name not in here)


def _warped(values: Any, draws: Any, settings: Augmentation) -> Any:
    names = [name for name in GEOMETRIC if is_on(settings, name)]
    amounts = {}
    for name in names:
        on, numbers, reach = _amounts(draws, settings, name)
        amounts[name] = ops.where(on[:, None], numbers, 0.0), reach
    return warp(values, amounts) if names else values


def _amounts(draws: Any, settings: Augmentation, name: str) -> tuple[Any, Any, float]:
    """Return whether a transform is applied to each cell, its numbers (-1 to 1, float [n, 3]) and its range."""
    probability, reach = getattr(settings, name)
    row = draws_of(draws, name)
    return row[:, 0] < probability, 2 * row[:, 1:] - 1, reach


def _each(values: Any) -> Any:
    """Return one number of each cell, [n], as [n, 1, 1, 1]."""
    return values[:, None, None, None]


def _brightness(values: Any, numbers: Any, reach: float, inside: Any) -> Any:
    return values + 255 * reach * _each(numbers[:, 0])


def _contrast(values: Any, numbers: Any, reach: float, inside: Any) -> Any:
    weight = ops.cast(inside, "float32")
    total = ops.maximum(ops.sum(weight, axis=(1, 2), keepdims=True), 1.0)
    mean = ops.sum(values * weight, axis=(1, 2), keepdims=True) / total
    return mean + (values - mean) * (1 + reach * _each(numbers[:, 0]))


def _gamma(values: Any, numbers: Any, reach: float, inside: Any) -> Any:
    return 255 * ops.exp((1 + reach * _each(numbers[:, 0])) * ops.log(ops.clip(values, 1.0, 255.0) / 255))


def _stain(values: Any, numbers: Any, reach: float, inside: Any) -> Any:
    """Scale the amounts of three stains; Tellez et al. 2019, arXiv:1902.06543."""
    density = -ops.log((ops.clip(values, 0.0, 255.0) + 1) / 256)
    stains = _mixed(density, FROM_DENSITY) * (1 + reach * numbers[:, None, None, :])
    return 256 * ops.exp(-_mixed(stains, TO_DENSITY)) - 1


def _mixed(values: Any, matrix: np.ndarray) -> Any:
    """Multiply the channels with a 3 x 3 matrix, in full precision: a GPU's matrix product would round."""
    return sum(values[..., channel, None] * matrix[channel] for channel in range(3))


COLOURS: dict[str, Colour] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "gamma": _gamma,
    "stain": _stain,
    "channel_shift": lambda values, numbers, reach, inside: channel_shift(values, numbers, reach),
    "blur": lambda values, numbers, reach, inside: gaussian_blur(values, numbers, reach),
    "noise": lambda values, numbers, reach, inside: gaussian_noise(values, numbers, reach),
}
