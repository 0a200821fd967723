"""The eight turns and flips of a square picture, exact to the pixel."""

from __future__ import annotations

import cv2
import numpy as np
import tensorflow as tf

FLIPS = {1: 1, 2: 0, 3: -1}  # OpenCV's codes for left and right, up and down, both


def dihedral(cells: tf.Tensor, views: tf.Tensor) -> tf.Tensor:
    """Turn and flip square pictures.

    Parameters
    ----------
    cells : tf.Tensor
        uint8 [n, size, size, 3].
    views : tf.Tensor
        int32 [n], 0-7: bit 0 flips left and right, bit 1 up and down, bit 2 swaps rows and columns; 0 does nothing.

    Returns
    -------
    tf.Tensor
        Like `cells`.
    """
    turned = tf.numpy_function(_turn, [cells, views], tf.uint8, stateful=False)
    return tf.ensure_shape(turned, cells.shape)


def _turn(cells: np.ndarray, views: np.ndarray) -> np.ndarray:
    """Turn and flip by OpenCV, which does it ten times faster than TensorFlow."""
    turned = np.empty_like(cells)
    for cell, view, target in zip(cells, views, turned):
        flipped = cv2.flip(cell, FLIPS[view & 3], None if view & 4 else target) if view & 3 else cell
        if view & 4:
            cv2.transpose(flipped, target)
        elif not view:
            target[:] = cell
    return turned
