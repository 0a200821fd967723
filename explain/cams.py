"""Class-activation maps: each weighs a layer's maps by what they do to the logit, in one line of its own.

All take float32 [n, h, w, c] twice, maps and the gradients of the signed logit, and return float32 [n, h, w], 0 and up:
where the layer speaks for the answer.
"""

from __future__ import annotations

import tensorflow as tf

SMALL = 1e-7


def gradcam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weigh each map by its mean gradient; Selvaraju et al. 2017, arXiv:1610.02391."""
    return _weighed(maps, tf.reduce_mean(gradients, axis=(1, 2), keepdims=True))


def gradcam_plus_plus(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weigh each map by its rising gradients, the more the fewer places it has; Chattopadhay 2018, arXiv:1710.11063.

    The second and third derivatives are powers of the first, as for the exponential of the logit.
    """
    squares, cubes = gradients**2, gradients**3
    below = 2 * squares + tf.reduce_sum(maps, axis=(1, 2), keepdims=True) * cubes
    shares = squares / tf.where(tf.abs(below) > SMALL**3, below, 1.0)
    return _weighed(maps, tf.reduce_sum(shares * tf.nn.relu(gradients), axis=(1, 2), keepdims=True))


def hirescam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weigh each place by its own gradient; Draelos & Carin 2020, arXiv:2011.08891."""
    return _weighed(maps, gradients)


def layercam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weigh each place by its own gradient where that rises; Jiang et al. 2021, doi:10.1109/TIP.2021.3089943."""
    return _weighed(maps, tf.nn.relu(gradients))


def xgradcam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weigh each map by its gradients' mean, weighed by its places; Fu et al. 2020, arXiv:2008.02312."""
    whole = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
    weights = tf.reduce_sum(gradients * maps, axis=(1, 2), keepdims=True) / tf.where(tf.abs(whole) > SMALL, whole, 1.0)
    return _weighed(maps, weights)


def eigencam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Project the maps on their first singular vector, whatever the answer; Muhammad & Yeasin 2020, arXiv:2008.00299.

    The vector's sign is the one with which the projection is positive in sum.
    """
    del gradients
    shape = tf.shape(maps)
    flat = tf.reshape(maps, [shape[0], -1, maps.shape[3]])
    few_places = maps.shape[1] * maps.shape[2] < maps.shape[3]
    values, vectors = tf.linalg.eigh(tf.matmul(flat, flat, transpose_a=not few_places, transpose_b=few_places))
    last = vectors[..., -1:]
    first = (tf.sqrt(tf.nn.relu(values[:, None, -1:])) * last if few_places else tf.matmul(flat, last))[..., 0]
    first *= tf.sign(tf.reduce_sum(first, axis=1, keepdims=True))
    return tf.nn.relu(tf.reshape(first, shape[:3]))


def _weighed(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))
