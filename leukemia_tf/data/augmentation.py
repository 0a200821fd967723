"""Random views of a cell, without state: a view is a function of its row of draws.

The draws of a transform depend on (seed, epoch, name, position) alone. So a position has the same view in any order, in
any batch, with any number of workers, and another transform changes none of them. What is off costs nothing.

To add a transform, write its function and enter it in `GEOMETRIC` or `COLOURS`; a field of its name in
`leukemia_tf.config.Augmentation` is its setting and its flag. These functions run on the processor, beside the steps;
`leukemia_tf.data.step_augmentation` has the same views for a GPU, inside the steps.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import cv2
import numpy as np
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.data.dihedral import dihedral
from leukemia_tf.data.draws import TURNS, draws_of, is_on
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.step_augmentation import FROM_DENSITY, TO_DENSITY

Geometric = Callable[[tf.Tensor, float], tuple[tf.Tensor, tf.Tensor]]
"""Numbers (float [n, 3], -1 to 1; 0 where it is off) and range -> the map from a view's pixels to the picture's: a
matrix (float [n, 2, 2] or [2, 2]) about the centre and a shift (float [n, 2] or [2]; x, y) as a share of the side."""

Colour = Callable[[tf.Tensor, tf.Tensor, float, tf.Tensor], tf.Tensor]
"""Pixels (float [n, h, w, 3], 0-255), numbers, range and cell mask (bool [n, h, w, 1]) -> pixels."""


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
        cells = dihedral(cells, chosen_view(draws, TURNS))
    geometric, colours = ([name for name in table if is_on(settings, name)] for table in (GEOMETRIC, COLOURS))
    if geometric or colours:
        cells = _recoloured(cells, geometric, colours, draws, settings)
    return _jpeg(cells, draws, settings) if is_on(settings, "jpeg") else cells


def _recoloured(
    cells: tf.Tensor, geometric: list[str], colours: list[str], draws: tf.Tensor, settings: Augmentation
) -> tf.Tensor:
    values = tf.cast(cells, tf.float32)
    if geometric:
        drawn = tf.stack([_amounts(draws, settings, name)[0] for name in geometric])
        values = _where(
            tf.reduce_any(drawn, axis=0), values, lambda cells, rows: _warp(cells, geometric, rows, settings), draws
        )
    inside = tf.reduce_max(values, axis=-1, keepdims=True) > BACKGROUND
    coloured = values
    for name in colours:
        on, numbers, reach = _amounts(draws, settings, name)
        change = functools.partial(_colour, name, reach)
        coloured = _where(on, coloured, change, numbers, inside)
    lost = tf.reduce_max(coloured, axis=-1, keepdims=True) <= BACKGROUND  # a cell's pixel stays a cell's
    values = tf.where(inside, tf.where(lost, BACKGROUND + 1.0, coloured), values)
    return tf.cast(tf.round(tf.clip_by_value(values, 0, 255)), tf.uint8)


def _colour(name: str, reach: float, values: tf.Tensor, numbers: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    return COLOURS[name](values, numbers, reach, inside)


def _where(on: tf.Tensor, values: tf.Tensor, change: Callable[..., tf.Tensor], *others: tf.Tensor) -> tf.Tensor:
    """Change some of the cells, bool [n]; the others cost nothing."""
    places = tf.where(on)

    def changed() -> tf.Tensor:
        chosen = (tf.gather_nd(each, places) for each in (values, *others))
        return tf.tensor_scatter_nd_update(values, places, change(*chosen))

    return tf.cond(tf.size(places) > 0, changed, lambda: values)


def stored_as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Store a picture as JPEG (chroma at half resolution, as usual), and read it: uint8 [h, w, 3], RGB; 0-100."""
    content = cv2.imencode(".jpg", pixels[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))[..., ::-1])


def _jpeg(cells: tf.Tensor, draws: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Store pictures as JPEG and read them again, at a quality of 100 less 0 to the range."""
    on, numbers, reach = _amounts(draws, settings, "jpeg")

    def store(cells: np.ndarray, on: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        stored = cells.copy()
        for index in np.flatnonzero(on):
            quality = round(100 - abs(float(numbers[index, 0])) * reach)
            stored[index] = stored_as_jpeg(cells[index], quality)
        return stored

    return tf.ensure_shape(tf.numpy_function(store, [cells, on, numbers], tf.uint8, stateful=False), cells.shape)


def chosen_view(draws: tf.Tensor, views: int) -> tf.Tensor:
    """Return which of so many views each row of draws stands for, of 8 the turn or flip: int32 [n]."""
    return tf.cast(draws_of(draws, "dihedral")[:, 1] * views, tf.int32)


def _amounts(draws: tf.Tensor, settings: Augmentation, name: str) -> tuple[tf.Tensor, tf.Tensor, float]:
    """Return whether a transform is applied to each cell, its numbers (-1 to 1, float [n, 3]) and its range."""
    probability, reach = getattr(settings, name)
    row = draws_of(draws, name)
    return row[:, 0] < probability, 2 * row[:, 1:] - 1, reach


def _warp(values: tf.Tensor, names: list[str], draws: tf.Tensor, settings: Augmentation) -> tf.Tensor:
    """Apply geometric transforms in one resampling (bilinear, black beyond the picture)."""
    size = values.shape[1]
    centre = (size - 1) / 2
    matrix, shift = tf.eye(2, batch_shape=tf.shape(draws)[:1]), tf.zeros([2])
    for name in names:
        on, numbers, reach = _amounts(draws, settings, name)
        turn, move = GEOMETRIC[name](tf.where(on[:, None], numbers, 0.0), reach)
        matrix, shift = matrix @ turn, shift + move
    offset = centre - matrix[..., 0] * centre - matrix[..., 1] * centre + shift * size
    zeros = tf.zeros_like(offset)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=values,
        transforms=tf.concat([matrix[:, 0], offset[:, :1], matrix[:, 1], offset[:, 1:], zeros], axis=1),
        output_shape=[size, size],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _rotation(numbers: tf.Tensor, reach: float) -> tuple[tf.Tensor, tf.Tensor]:
    angle = numbers[:, 0] * reach * (math.pi / 180)
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return tf.reshape(tf.stack([cosine, -sine, sine, cosine], axis=1), [-1, 2, 2]), tf.zeros([2])


def _translation(numbers: tf.Tensor, reach: float) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.eye(2), numbers[:, :2] * reach


def _zoom(numbers: tf.Tensor, reach: float) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.eye(2) / (1 + numbers[:, 0, None, None] * reach), tf.zeros([2])


def _crop(numbers: tf.Tensor, reach: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Enlarge a window that has its place at random inside the picture."""
    side = 1 - tf.abs(numbers[:, :1] * reach)
    return tf.eye(2) * side[..., None], numbers[:, 1:] * (1 - side) / 2


GEOMETRIC: dict[str, Geometric] = {
    "rotation": _rotation,
    "translation": _translation,
    "zoom": _zoom,
    "crop": _crop,
}


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


def _noise(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    """Add Gaussian noise with a standard deviation of 0 to `reach` grey levels."""

    def add(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        noisy = np.empty_like(values)
        for cell, row, target in zip(values, numbers, noisy, strict=True):
            rng = np.random.default_rng(np.frombuffer(row.tobytes(), np.uint32))
            rng.standard_normal(dtype=np.float32, out=target)
            target *= abs(row[0]) * np.float32(reach)
            target += cell
        return noisy

    return tf.ensure_shape(tf.numpy_function(add, [values, numbers], tf.float32, stateful=False), values.shape)


def _channel_shift(values: tf.Tensor, numbers: tf.Tensor, reach: float, inside: tf.Tensor) -> tf.Tensor:
    """Move red and blue against green by up to `reach` pixels (bicubic), as lenses and cameras do."""

    def shift(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        shifted = values.copy()
        for cell, (red, blue, down), target in zip(values, numbers * np.float32(reach), shifted, strict=True):
            for channel, move in ((0, (red, down)), (2, (blue, -down))):
                matrix = np.array([[1, 0, move[0]], [0, 1, move[1]]], np.float32)
                target[..., channel] = cv2.warpAffine(
                    cell[..., channel], matrix, cell.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
                )
        return shifted

    return tf.ensure_shape(tf.numpy_function(shift, [values, numbers], tf.float32, stateful=False), values.shape)


COLOURS: dict[str, Colour] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "gamma": _gamma,
    "stain": _stain,
    "channel_shift": _channel_shift,
    "blur": _blur,
    "noise": _noise,
}
FILES = ("jpeg",)  # of the whole picture, as it is stored
