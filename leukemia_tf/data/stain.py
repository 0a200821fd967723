"""Stain normalisation: the colours inside every cell get one mean and one deviation.

Images are uint8 [size, size, 3], RGB, 0-255.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from leukemia_tf.data.preprocessing import BACKGROUND

STAIN_MEAN = np.array([18.6, 27.3, -22.2], np.float32)  # CIE LAB, inside the cell, after normalisation
STAIN_DEVIATION = np.array([4.1, 3.1, 3.3], np.float32)
_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], np.float32
)
_WHITE = np.array([0.950456, 1.0, 1.088754], np.float32)


def reinhard(image: tf.Tensor) -> tf.Tensor:
    """Move the colours inside the cell to a fixed mean and deviation in CIE LAB; leave the background.

    Source: Reinhard et al. 2001, "Color transfer between images", in CIE LAB as is usual for stains.
    """
    planes = tf.cast(tf.transpose(image, [2, 0, 1]), tf.float32)
    cell = tf.reduce_max(planes, axis=0) > BACKGROUND
    inside = tf.cast(cell, tf.float32)
    count = tf.maximum(tf.reduce_sum(inside), 1)
    lab = rgb_to_lab(planes / 255)
    mean = tf.reduce_sum(lab * inside, axis=[1, 2], keepdims=True) / count
    deviation = tf.sqrt(tf.reduce_sum((lab - mean) ** 2 * inside, axis=[1, 2], keepdims=True) / count)
    wanted_mean, wanted_deviation = (np.reshape(values, (3, 1, 1)) for values in (STAIN_MEAN, STAIN_DEVIATION))
    moved = lab_to_rgb((lab - mean) * (wanted_deviation / tf.maximum(deviation, 0.5)) + wanted_mean)
    values = tf.where(cell, tf.round(255 * moved), planes)
    return tf.transpose(tf.cast(values, tf.uint8), [1, 2, 0])


def rgb_to_lab(rgb: tf.Tensor) -> tf.Tensor:
    """Convert sRGB (float, 0-1) to CIE LAB (D65; L 0-100), over the first axis."""
    linear = tf.where(rgb > 0.04045, _power((rgb + 0.055) / 1.055, 2.4), rgb / 12.92)
    xyz = _mix(_TO_XYZ / _WHITE[:, None], linear)
    x, y, z = tf.unstack(tf.where(xyz > 0.008856, _power(xyz, 1 / 3), 7.787 * xyz + 16 / 116))
    return tf.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def lab_to_rgb(lab: tf.Tensor) -> tf.Tensor:
    """Convert CIE LAB (D65) to sRGB (float, 0-1; other colours are cut), over the first axis."""
    lightness, a, b = tf.unstack(lab)
    y = (lightness + 16) / 116
    root = tf.stack([y + a / 500, y, y - b / 200])
    xyz = tf.where(root > 0.206893, root * root * root, (root - 16 / 116) / 7.787)
    linear = tf.clip_by_value(_mix(np.linalg.inv(_TO_XYZ / _WHITE[:, None]), xyz), 0, 1)
    return tf.where(linear > 0.0031308, 1.055 * _power(linear, 1 / 2.4) - 0.055, 12.92 * linear)


def _power(values: tf.Tensor, exponent: float) -> tf.Tensor:
    """Raise to a power; many times faster than `tf.pow`."""
    return tf.exp(exponent * tf.math.log(tf.maximum(values, 1e-6)))


def _mix(matrix: np.ndarray, planes: tf.Tensor) -> tf.Tensor:
    """Multiply a 3 x 3 matrix with the first axis."""
    first, second, third = tf.unstack(planes)
    return tf.stack([row[0] * first + row[1] * second + row[2] * third for row in matrix.tolist()])


STAIN_NORMALIZATION: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {"none": tf.identity, "reinhard": reinhard}
