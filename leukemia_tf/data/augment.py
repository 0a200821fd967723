"""Random views of a cell, drawn without state: the same (seed, epoch, position) gives the same view."""

from __future__ import annotations

import tensorflow as tf


def dihedral(cells: tf.Tensor, choices: tf.Tensor) -> tf.Tensor:
    """Turn and flip square pictures: the eight dihedral transforms, exact to the pixel.

    Parameters
    ----------
    cells : tf.Tensor
        [n, size, size, channels], any dtype.
    choices : tf.Tensor
        int32 [n], 0-7: bit 0 flips left and right, bit 1 up and down, bit 2 swaps rows and columns; 0 does nothing.

    Returns
    -------
    tf.Tensor
        Like `cells`.
    """
    for bit, transform in enumerate(
        (lambda x: tf.reverse(x, [2]), lambda x: tf.reverse(x, [1]), lambda x: tf.transpose(x, [0, 2, 1, 3]))
    ):
        chosen = tf.bitwise.bitwise_and(choices, 1 << bit) > 0
        cells = tf.where(chosen[:, None, None, None], transform(cells), cells)
    return cells
