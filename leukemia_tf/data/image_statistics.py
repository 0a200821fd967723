"""Fourteen statistics of a photograph of one cell, cheap enough for every image."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from leukemia_tf.data.decoding import decode
from leukemia_tf.data.framing import cut_out, window
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.stain import rgb_to_lab

BATCH = 64
IMAGE_STATISTICS = (  # logarithms, of the two ratios twice; the means of LAB as they are
    "height",  # of the image, in pixels
    "width",
    "area",  # of the cell, in pixels
    "centroid_offset",  # distance of the cell's centroid from the image's centre, in the cell's radii
    "axis_ratio",  # major axis length to minor axis length
    "ellipse_ratio",  # area of the ellipse with the cell's moments to its area
    *("mean_lightness", "mean_a", "mean_b"),  # CIE LAB, inside the cell
    *("std_lightness", "std_a", "std_b"),
    "laplacian",  # mean absolute Laplacian of the lightness
    "laplacian_to_gradient",
)


def image_statistics(image: tf.Tensor) -> tf.Tensor:
    """Measure an image.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB, 0-255.

    Returns
    -------
    tf.Tensor
        float32 [14], in the order of `IMAGE_STATISTICS`.
    """
    box = window(image, "tight")  # without a cell the whole image, and its area is 0
    cell = tf.ensure_shape(cut_out(image, box), [None, None, 3])
    inside = tf.cast(tf.reduce_max(cell, axis=-1) > BACKGROUND, tf.float32)
    sides = tf.cast(tf.shape(image)[:2], tf.float32)
    return tf.concat([tf.math.log(sides), _shape(inside, box, sides), _colours(cell, inside)], 0)


def image_statistics_of_files(paths: Sequence[Path]) -> np.ndarray:
    """Measure sound image files, in parallel: float32 [n, 14]."""
    files = tf.data.Dataset.from_tensor_slices([os.fsencode(path) for path in paths])
    workers = 2 * (os.cpu_count() or 1)
    measured = files.map(_statistics_of_file, num_parallel_calls=workers)
    none = np.zeros((0, len(IMAGE_STATISTICS)), np.float32)
    return np.concatenate([none, *measured.batch(BATCH).as_numpy_iterator()])


@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)  # traced once a process
def _statistics_of_file(path: tf.Tensor) -> tf.Tensor:
    return image_statistics(decode(tf.io.read_file(path)))


def _shape(inside: tf.Tensor, box: tf.Tensor, sides: tf.Tensor) -> tf.Tensor:
    area = tf.maximum(tf.reduce_sum(inside), 1.0)
    down, across = (tf.range(tf.cast(tf.shape(inside)[axis], tf.float32)) for axis in (0, 1))
    rows, columns = tf.reduce_sum(inside, 1), tf.reduce_sum(inside, 0)
    top, left = tf.reduce_sum(rows * down) / area, tf.reduce_sum(columns * across) / area
    variance_y = tf.reduce_sum(rows * (down - top) ** 2) / area
    variance_x = tf.reduce_sum(columns * (across - left) ** 2) / area
    covariance = tf.reduce_sum(inside * (down - top)[:, None] * (across - left)[None]) / area
    spread = tf.sqrt(((variance_y - variance_x) / 2) ** 2 + covariance**2)
    major, minor = (variance_y + variance_x) / 2 + spread, (variance_y + variance_x) / 2 - spread
    major, minor = major + 1 / 12, tf.maximum(minor, 0) + 1 / 12  # a pixel is a square
    corner = tf.cast(box[:2], tf.float32)
    offset = tf.norm(corner + tf.stack([top, left]) + 0.5 - sides / 2) / tf.sqrt(area / math.pi)
    axis_ratio = tf.math.log(major / minor) / 2
    ellipse_ratio = tf.maximum(tf.math.log(4 * math.pi * tf.sqrt(major * minor) / area), 0)
    return tf.math.log(tf.stack([area, offset + 0.02, axis_ratio + 0.05, ellipse_ratio + 0.003]))


def _colours(cell: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    lab = rgb_to_lab(tf.cast(tf.transpose(cell, [2, 0, 1]), tf.float32) / 255)
    count = tf.maximum(tf.reduce_sum(inside), 1.0)
    mean = tf.reduce_sum(lab * inside, [1, 2]) / count
    deviation = tf.sqrt(tf.reduce_sum((lab - mean[:, None, None]) ** 2 * inside, [1, 2]) / count)
    lightness = tf.pad(lab[0], [[1, 1], [1, 1]], "SYMMETRIC")
    up, down, left, right = lightness[:-2, 1:-1], lightness[2:, 1:-1], lightness[1:-1, :-2], lightness[1:-1, 2:]
    padded = tf.pad(inside, [[1, 1], [1, 1]])
    interior = inside * padded[:-2, 1:-1] * padded[2:, 1:-1] * padded[1:-1, :-2] * padded[1:-1, 2:]  # not on the rim
    interior_count = tf.maximum(tf.reduce_sum(interior), 1.0)
    laplacian = tf.reduce_sum(interior * tf.abs(tf.add_n((up, down, left, right)) - 4 * lab[0])) / interior_count + 1e-3
    gradient = tf.reduce_sum(interior * (tf.abs(down - up) + tf.abs(right - left))) / interior_count + 1e-3
    return tf.concat([mean, tf.math.log(tf.concat([deviation + 0.1, [laplacian, laplacian / gradient]], 0))], 0)
