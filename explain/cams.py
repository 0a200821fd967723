"""Class-activation maps: each function weights a layer's feature maps by their effect on the logit.

All take float32 [n, h, w, c] twice, the maps and the gradients of the signed logit, and return float32 [n, h, w] of 0
and more: where the layer supports the prediction.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

SMALL = 1e-7

Cam = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def gradcam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weight each map by its mean gradient; Selvaraju et al. 2017, arXiv:1610.02391."""
    return _weighted_sum(maps, tf.reduce_mean(gradients, axis=(1, 2), keepdims=True))


def gradcam_plus_plus(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weight each map by its positive gradients, more where they are few; Chattopadhay 2018, arXiv:1710.11063.

    The second and third derivatives are powers of the first, as for the exponential of the logit.
    """
    squares, cubes = gradients**2, gradients**3
    denominator = 2 * squares + tf.reduce_sum(maps, axis=(1, 2), keepdims=True) * cubes
    alphas = squares / tf.where(tf.abs(denominator) > SMALL**3, denominator, 1.0)
    return _weighted_sum(maps, tf.reduce_sum(alphas * tf.nn.relu(gradients), axis=(1, 2), keepdims=True))


def hirescam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weight each position by its gradient; Draelos & Carin 2020, arXiv:2011.08891."""
    return _weighted_sum(maps, gradients)


def layercam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weight each position by its positive gradient; Jiang et al. 2021, doi:10.1109/TIP.2021.3089943."""
    return _weighted_sum(maps, tf.nn.relu(gradients))


def xgradcam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Weight each map by the mean of its gradients, weighted by the map; Fu et al. 2020, arXiv:2008.02312."""
    total = tf.reduce_sum(maps, axis=(1, 2), keepdims=True)
    weights = tf.reduce_sum(gradients * maps, axis=(1, 2), keepdims=True) / tf.where(tf.abs(total) > SMALL, total, 1.0)
    return _weighted_sum(maps, weights)


def eigencam(maps: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    """Project the maps on their first singular vector, whatever the class; Muhammad & Yeasin 2020, arXiv:2008.00299.

    The vector's sign is the one with which the projection's sum is positive.
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


def _weighted_sum(maps: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1))
