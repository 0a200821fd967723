"""Random views of a cell, without state: a view is a function of its row of draws.

A row of draws belongs to (seed, epoch, position), so the same position gives the same picture in any order, in any
batch, with any number of workers. What is not asked for costs nothing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.settings import BACKGROUND

FLIPS = {1: 1, 2: 0, 3: -1}  # what OpenCV calls left and right, up and down, both
NUMBERS = 4  # uniform numbers a transform may use: whether, and up to three of how much
TRANSFORMS = (
    *("dihedral", "rotation", "translation", "zoom", "crop"),
    *("brightness", "contrast", "gamma", "stain", "blur", "mixup", "cutmix"),
)
GEOMETRIC = ("rotation", "translation", "zoom", "crop")
_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])  # Ruifrok & Johnston 2001
TO_DENSITY = (_STAINS / np.linalg.norm(_STAINS, axis=1, keepdims=True)).astype(np.float32)
FROM_DENSITY = np.linalg.inv(TO_DENSITY).astype(np.float32)


def epoch_draws(count: int, seed: int, epoch: int) -> np.ndarray:
    """Draw the uniform numbers of an epoch: float32 [count, transforms, NUMBERS], 0-1."""
    return np.random.default_rng([seed, epoch, 2]).random((count, len(TRANSFORMS), NUMBERS), np.float32)


def augment(cells: tf.Tensor, draws: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Return a random view of each cell.

    Parameters
    ----------
    cells : tf.Tensor
        uint8 [n, size, size, 3], RGB, 0-255.
    draws : tf.Tensor
        float32 [n, transforms, NUMBERS], rows of `epoch_draws`.
    settings : Augmentation
        Probability and range of each transform. Colours change inside the cell only: the background stays.

    Returns
    -------
    tf.Tensor
        uint8 [n, size, size, 3].
    """
    if settings.dihedral:
        cells = dihedral(cells, drawn_view(draws))
    asked = {name for name in TRANSFORMS[1:] if getattr(settings, name)[0] > 0}
    if not asked - {"mixup", "cutmix"}:
        return cells
    values = tf.cast(cells, tf.float32)
    if asked & set(GEOMETRIC):
        values = _warp(values, draws, settings)
    inside = tf.reduce_max(values, axis=-1, keepdims=True) > BACKGROUND
    coloured = values
    for name, change in COLOURS.items():
        if name in asked:
            on, numbers, reach = _row(draws, settings, name)
            coloured = tf.where(on[:, None, None, None], change(coloured, numbers, reach, inside), coloured)
    lost = tf.reduce_max(coloured, axis=-1, keepdims=True) <= BACKGROUND  # a cell's pixel stays a cell's
    values = tf.where(inside, tf.where(lost, BACKGROUND + 1.0, coloured), values)
    return tf.cast(tf.round(tf.clip_by_value(values, 0, 255)), tf.uint8)


def drawn_view(draws: tf.Tensor) -> tf.Tensor:
    """Return the dihedral view of each row of draws: int32 [n], 0-7."""
    return tf.cast(draws[:, 0, 1] * 8, tf.int32)


def _row(draws: tf.Tensor, settings: Augmentation, name: str) -> tuple[tf.Tensor, tf.Tensor, float]:
    """Return whether a transform is on for each cell, its numbers (-1 to 1, float [n, 3]) and its range."""
    probability, reach = getattr(settings, name)
    own = draws[:, TRANSFORMS.index(name)]
    return own[:, 0] < probability, 2 * own[:, 1:] - 1, reach


def dihedral(cells: tf.Tensor, choices: tf.Tensor) -> tf.Tensor:
    """Turn and flip square pictures: the eight dihedral transforms, exact to the pixel.

    Parameters
    ----------
    cells : tf.Tensor
        uint8 [n, size, size, 3].
    choices : tf.Tensor
        int32 [n], 0-7: bit 0 flips left and right, bit 1 up and down, bit 2 swaps rows and columns; 0 does nothing.

    Returns
    -------
    tf.Tensor
        Like `cells`.
    """
    turned = tf.numpy_function(_turn, [cells, choices], tf.uint8, stateful=False)
    return tf.ensure_shape(turned, cells.shape)


def _turn(cells: np.ndarray, choices: np.ndarray) -> np.ndarray:
    """Turn and flip by OpenCV, which does it ten times faster than TensorFlow."""
    turned = np.empty_like(cells)
    for cell, choice, target in zip(cells, choices, turned):
        flipped = cv2.flip(cell, FLIPS[choice & 3], None if choice & 4 else target) if choice & 3 else cell
        if choice & 4:
            cv2.transpose(flipped, target)
        elif not choice:
            target[:] = cell
    return turned


def _warp(values: tf.Tensor, draws: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Rotate, shift, zoom and crop in one resampling (bilinear, black beyond the picture)."""
    size = values.shape[1]

    def drawn(name: str) -> tf.Tensor:
        on, numbers, reach = _row(draws, settings, name)
        return tf.where(on[:, None], numbers * reach, 0.0)

    angle = drawn("rotation")[:, 0] * (math.pi / 180)
    kept = 1 - tf.abs(drawn("crop")[:, :1])  # side of the window that a crop keeps
    place = tf.stack([drawn_sign(draws, "crop", 1), drawn_sign(draws, "crop", 2)], 1) * (1 - kept) / 2
    scale = kept[:, 0] / (1 + drawn("zoom")[:, 0])
    shift = (drawn("translation")[:, :2] + place) * size
    cosine, sine = tf.cos(angle) * scale, tf.sin(angle) * scale
    centre = (size - 1) / 2
    zero = tf.zeros_like(angle)
    matrix = [
        *(cosine, -sine, centre - cosine * centre + sine * centre + shift[:, 0]),
        *(sine, cosine, centre - sine * centre - cosine * centre + shift[:, 1]),
        *(zero, zero),
    ]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=values,
        transforms=tf.stack(matrix, axis=1),
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def drawn_sign(draws: tf.Tensor, name: str, number: int) -> tf.Tensor:
    """Return a transform's number, -1 to 1: float [n]."""
    return 2 * draws[:, TRANSFORMS.index(name), 1 + number] - 1


def _brightness(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    return values + 255 * reach * numbers[:, 0, None, None, None]


def _contrast(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    weight = tf.cast(inside, tf.float32)
    total = tf.maximum(tf.reduce_sum(weight, axis=[1, 2], keepdims=True), 1)
    mean = tf.reduce_sum(values * weight, axis=[1, 2], keepdims=True) / total
    return mean + (values - mean) * (1 + reach * numbers[:, 0, None, None, None])


def _gamma(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    exponent = 1 + reach * numbers[:, 0, None, None, None]
    return 255 * tf.exp(exponent * tf.math.log(tf.clip_by_value(values, 1, 255) / 255))


def _stain(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    """Scale the amounts of three stains; Tellez et al. 2019, arXiv:1902.06543."""
    density = -tf.math.log((tf.clip_by_value(values, 0, 255) + 1) / 256)
    stains = tf.tensordot(density, tf.constant(FROM_DENSITY), 1) * (1 + reach * numbers[:, None, None, :])
    return 256 * tf.exp(-tf.tensordot(stains, tf.constant(TO_DENSITY), 1)) - 1


def _blur(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    """Blur by a Gaussian of 0 to `reach` pixels, along rows and columns in turn."""
    radius = min(max(1, math.ceil(3 * reach)), values.shape[1] - 1)
    offsets = tf.range(-radius, radius + 1, dtype=tf.float32)
    sigma = tf.maximum(tf.abs(numbers[:, :1]) * reach, 0.05)
    kernels = tf.nn.softmax(-0.5 * (offsets / sigma) ** 2)
    padded = tf.pad(values, [[0, 0], [radius, radius], [radius, radius], [0, 0]], "REFLECT")
    size = values.shape[1]
    rows = tf.add_n([padded[:, i : i + size] * kernels[:, i, None, None, None] for i in range(2 * radius + 1)])
    return tf.add_n([rows[:, :, i : i + size] * kernels[:, i, None, None, None] for i in range(2 * radius + 1)])


COLOURS = {"brightness": _brightness, "contrast": _contrast, "gamma": _gamma, "stain": _stain, "blur": _blur}
