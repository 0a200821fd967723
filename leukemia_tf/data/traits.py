"""What a photograph of one cell is like, in a dozen numbers: cheap enough to ask of every image."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from leukemia_tf.data.contrast import rgb_to_lab
from leukemia_tf.data.decoding import decode
from leukemia_tf.data.framing import cut_out, window
from leukemia_tf.data.settings import BACKGROUND

BATCH = 64
TRAITS = (
    *("height", "width", "area", "off_centre", "elongation", "raggedness"),
    *("lightness", "a", "b", "lightness_spread", "a_spread", "b_spread", "sharpness", "fineness"),
)


def traits(image: tf.Tensor) -> tf.Tensor:
    """Measure an image, each trait on a scale on which cells spread evenly.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB, 0-255.

    Returns
    -------
    tf.Tensor
        float32 [14], in the order of `TRAITS`: the logarithms of the image's sides and of the cell's area in pixels; of
        how far the cell lies from the image's middle, in its own radii; of how much longer it is than wide, and of how
        much smaller than an ellipse with its moments; mean of CIE LAB inside it, and the logarithms of its deviation;
        of the mean Laplacian of its lightness, and of that over its mean slope.
    """
    box = window(image, "tight")  # without a cell the whole image, and its area is 0
    cell = tf.ensure_shape(cut_out(image, box), [None, None, 3])
    inside = tf.cast(tf.reduce_max(cell, axis=-1) > BACKGROUND, tf.float32)
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    return tf.concat([tf.math.log(sides), _shape(inside, box, sides), _colours(cell, inside)], 0)


def traits_of_files(paths: Sequence[Path]) -> np.ndarray:
    """Measure sound image files, in parallel: float32 [n, 14]."""
    files = tf.data.Dataset.from_tensor_slices([os.fsencode(path) for path in paths])
    measured = files.map(lambda path: traits(decode(tf.io.read_file(path))), num_parallel_calls=2 * os.cpu_count())
    return np.concatenate([np.zeros((0, len(TRAITS)), np.float32), *measured.batch(BATCH).as_numpy_iterator()])


def _shape(inside: tf.Tensor, box: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    area = tf.maximum(tf.reduce_sum(inside), 1.0)
    down, across = (tf.range(tf.cast(tf.shape(inside)[axis], tf.float32)) for axis in (0, 1))
    rows, columns = tf.reduce_sum(inside, 1), tf.reduce_sum(inside, 0)
    top, left = tf.reduce_sum(rows * down) / area, tf.reduce_sum(columns * across) / area
    tall = tf.reduce_sum(rows * (down - top) ** 2) / area
    wide = tf.reduce_sum(columns * (across - left) ** 2) / area
    slant = tf.reduce_sum(inside * (down - top)[:, None] * (across - left)[None]) / area
    apart = tf.sqrt(((tall - wide) / 2) ** 2 + slant**2)
    longer, shorter = (tall + wide) / 2 + apart, (tall + wide) / 2 - apart
    longer, shorter = longer + 1 / 12, tf.maximum(shorter, 0) + 1 / 12  # a pixel is a square
    corner = tf.cast(box[:2], tf.float32)
    away = tf.norm(corner + tf.stack([top, left]) + 0.5 - sides / 2) / tf.sqrt(area / math.pi)
    stretched = tf.math.log(longer / shorter) / 2
    ragged = tf.maximum(tf.math.log(4 * math.pi * tf.sqrt(longer * shorter) / area), 0)
    return tf.math.log(tf.stack([area, away + 0.02, stretched + 0.05, ragged + 0.003]))


def _colours(cell: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    lab = rgb_to_lab(tf.cast(tf.transpose(cell, [2, 0, 1]), tf.float32) / 255)
    count = tf.maximum(tf.reduce_sum(inside), 1.0)
    mean = tf.reduce_sum(lab * inside, [1, 2]) / count
    spread = tf.sqrt(tf.reduce_sum((lab - mean[:, None, None]) ** 2 * inside, [1, 2]) / count)
    light = tf.pad(lab[0], [[1, 1], [1, 1]], "SYMMETRIC")
    around = (light[:-2, 1:-1], light[2:, 1:-1], light[1:-1, :-2], light[1:-1, 2:])
    padded = tf.pad(inside, [[1, 1], [1, 1]])
    deep = inside * padded[:-2, 1:-1] * padded[2:, 1:-1] * padded[1:-1, :-2] * padded[1:-1, 2:]  # not on the rim
    within = tf.maximum(tf.reduce_sum(deep), 1.0)
    bend = tf.reduce_sum(deep * tf.abs(tf.add_n(around) - 4 * lab[0])) / within + 1e-3
    slope = tf.reduce_sum(deep * (tf.abs(around[1] - around[0]) + tf.abs(around[3] - around[2]))) / within + 1e-3
    return tf.concat([mean, tf.math.log(tf.concat([spread + 0.1, [bend, bend / slope]], 0))], 0)
