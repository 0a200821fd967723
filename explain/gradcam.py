"""Grad-CAM: which places of a layer's maps speak for a label."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.models.network import LOGIT, explained_layer


def gradcam(model: keras.Model, cells: np.ndarray, signs: np.ndarray, layer: str | None = None) -> np.ndarray:
    """Compute Grad-CAM on the logit.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    cells : numpy.ndarray
        uint8 [n, size, size, 3].
    signs : numpy.ndarray
        float [n]: 1 for what speaks for `all`, -1 for what speaks for `hem`.
    layer : str, optional
        By default the last convolutional one of the base.

    Returns
    -------
    numpy.ndarray
        float32 [n, h, w] at the layer's resolution, 0 and up.

    Notes
    -----
    Selvaraju et al. 2017, arXiv:1610.02391.
    """
    seen = keras.Model(
        model.input, [model.get_layer(layer or explained_layer(model)).output, model.get_layer(LOGIT).output]
    )
    with tf.GradientTape() as tape:
        maps, logit = seen(tf.constant(cells), training=False)
        tape.watch(maps)
        target = logit[:, 0] * tf.cast(signs, logit.dtype)
    weights = tf.reduce_mean(tape.gradient(target, maps), axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=-1)).numpy()
