"""Grad-CAM: which places of a layer's maps speak for a label."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.explain.frame import Frame, to_original
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import LOGIT, explained_layer


def original_maps(model: keras.Model, frames: Sequence[Frame]) -> list[list[np.ndarray]]:
    """Return what speaks for the answer on each cell, one or more, in the original's pixels: one map, or one a member.

    Each is Grad-CAM, float32 [height, width] of 0-1.
    """
    found: list[list[np.ndarray]] = [[] for _ in frames]
    signs = np.array([1.0 if frame.prediction.prediction == "all" else -1.0 for frame in frames])
    for number, member in enumerate(members_of(model)):
        heats = gradcam(member, np.concatenate([frame.cells[number] for frame in frames]), signs) if frames else ()
        for maps, heat, frame in zip(found, heats, frames):
            maps.append(to_original(heat / (heat.max() or 1), frame, number))
    return found


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
