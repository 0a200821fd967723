"""Class-activation maps: each function weights a layer's maps by their effect on the logit.

All take an `Evidence`: float32 [n, h, w, c], the maps and the gradients of the signed logit. The weights are those of
the papers; what they weight is what the cell adds to the maps of an empty frame. So what a black frame alone would
contribute, and what zero padding does at its border, is left out. Where a paper's weight is a sum or a mean over all
places, and the head pools the cell's places by themselves, it is taken over these and over the others apart: a weight
of the cell's features says nothing of the frame. All return float32 [n, h, w]: above 0 where the
layer supports the prediction, below 0 where it speaks against it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from leukemia_tf.explain.target import Evidence

SMALL = 1e-7

Cam = Callable[[Evidence], tf.Tensor]


def gradcam(evidence: Evidence) -> tf.Tensor:
    """Weight each map by its mean gradient; Selvaraju et al. 2017, arXiv:1610.02391."""
    places = _total(evidence, tf.ones_like(evidence.gradients[..., :1]))
    return _weighted_sum(evidence, _total(evidence, evidence.gradients) / tf.maximum(places, 1.0))


def gradcam_plus_plus(evidence: Evidence) -> tf.Tensor:
    """Weight each map by its positive gradients, more where they are few; Chattopadhay 2018, arXiv:1710.11063.

    The second and third derivatives are powers of the first, as for the exponential of the logit.
    """
    gradients = evidence.gradients
    squares, cubes = gradients**2, gradients**3
    denominator = 2 * squares + _total(evidence, evidence.maps) * cubes
    alphas = squares / tf.where(tf.abs(denominator) > SMALL**3, denominator, 1.0)
    return _weighted_sum(evidence, _total(evidence, alphas * tf.nn.relu(gradients)))


def hirescam(evidence: Evidence) -> tf.Tensor:
    """Weight each position by its gradient; Draelos & Carin 2020, arXiv:2011.08891."""
    return _weighted_sum(evidence, evidence.gradients)


def layercam(evidence: Evidence) -> tf.Tensor:
    """Weight each position by its positive gradient; Jiang et al. 2021, doi:10.1109/TIP.2021.3089943."""
    return _weighted_sum(evidence, tf.nn.relu(evidence.gradients))


def xgradcam(evidence: Evidence) -> tf.Tensor:
    """Weight each map by the mean of its gradients, weighted by the map; Fu et al. 2020, arXiv:2008.02312."""
    total = _total(evidence, evidence.maps)
    weights = _total(evidence, evidence.gradients * evidence.maps) / tf.where(tf.abs(total) > SMALL, total, 1.0)
    return _weighted_sum(evidence, weights)


def eigencam(evidence: Evidence) -> tf.Tensor:
    """Project the maps on their first singular vector, whatever the class; Muhammad & Yeasin 2020, arXiv:2008.00299.

    The vector's sign is the one with which the projection's sum is positive.
    """
    maps = evidence.added
    shape = tf.shape(maps)
    flat = tf.reshape(maps, [shape[0], -1, maps.shape[3]])
    few_places = maps.shape[1] * maps.shape[2] < maps.shape[3]
    values, vectors = tf.linalg.eigh(tf.matmul(flat, flat, transpose_a=not few_places, transpose_b=few_places))
    last = vectors[..., -1:]
    first = (tf.sqrt(tf.nn.relu(values[:, None, -1:])) * last if few_places else tf.matmul(flat, last))[..., 0]
    first *= tf.sign(tf.reduce_sum(first, axis=1, keepdims=True))
    return tf.reshape(first, shape[:3])


def support(cam: Cam, depths: Sequence[Evidence]) -> tf.Tensor:
    """Return where one or several layers support the prediction: float32 [n, h, w], 0 and more.

    The maps of several layers are enlarged to the finest one's places and added before what is negative is cut off.
    Each counts by its number of places, as a sum over places would: so for a head of means, each map of Grad-CAM adds
    its share of the logit, whatever its resolution.
    """
    finest = depths[0].maps.shape[1:3]
    total = tf.add_n([_enlarged(cam(one), finest) * _places(one) / (finest[0] * finest[1]) for one in depths])
    return tf.nn.relu(total)


def _total(evidence: Evidence, values: tf.Tensor) -> tf.Tensor:
    """Return, at each place, the sum over all places that the head pools as it pools this one: [n, h, w, c], or at 1x1.

    Without places that are pooled by themselves it is the sum over all of them.
    """
    if evidence.inside is None:
        return tf.reduce_sum(values, axis=(1, 2), keepdims=True)
    zones = (evidence.inside, 1.0 - evidence.inside)
    return tf.add_n([zone * tf.reduce_sum(zone * values, axis=(1, 2), keepdims=True) for zone in zones])


def _places(evidence: Evidence) -> int:
    height, width = evidence.maps.shape[1:3]
    return height * width


def _enlarged(heat: tf.Tensor, sides: Sequence[int]) -> tf.Tensor:
    return heat if tuple(heat.shape[1:]) == tuple(sides) else tf.image.resize(heat[..., None], sides)[..., 0]


def _weighted_sum(evidence: Evidence, weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(weights * evidence.added, axis=-1)
