"""What explanations need of a network: its logit, the maps of one layer, and the gradients of both."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.models.layer_names import LOGIT, SCALE
from leukemia_tf.models.network import explained_layer, logit_model

BATCH = 32  # perturbed cells per prediction step


class Target:
    """A network of this package, to be explained at one of its layers.

    Parameters
    ----------
    model : keras.Model
        One network, no ensemble.
    layer : str, optional
        A layer or a block; by default the last convolutional layer of the base.

    Raises
    ------
    UserError
        If there is no such layer, or if it has no maps.
    """

    def __init__(self, model: keras.Model, layer: str | None = None) -> None:
        self.model, self.layer = model, explained_layer(model, layer)
        self.size = model.input.shape[1]
        self.scale = model.get_layer(SCALE)
        ends = [model.get_layer(self.layer).output, model.get_layer(LOGIT).output]
        self._after_scale = keras.Model([model.input, self.scale.output], ends)  # so that a tape can watch the pixels
        self._logit = logit_model(model)
        cells = tf.TensorSpec([None, *model.input.shape[1:]], model.input.dtype)
        pixels, signs = tf.TensorSpec(cells.shape, self.scale.compute_dtype), tf.TensorSpec([None], tf.float32)
        self.maps_and_gradients = tf.function(self._maps_and_gradients, [cells, signs], autograph=False)
        self.pixel_gradients = tf.function(self._pixel_gradients, [cells, pixels, signs], autograph=False)
        self._logits = tf.function(lambda cells: self._logit(cells, training=False)[:, 0], [cells], autograph=False)

    def _maps_and_gradients(self, cells: tf.Tensor, signs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the layer's maps and the gradients of the logit with respect to them.

        Parameters
        ----------
        cells : tf.Tensor
            uint8 [n, size, size, 3].
        signs : tf.Tensor
            float32 [n]: 1 to explain `all`, -1 to explain `hem`.

        Returns
        -------
        tuple of tf.Tensor
            float32 [n, h, w, c] twice: the maps, and the gradients of the signed logit.
        """
        with tf.GradientTape() as tape:
            pixels = self.scale(cells)
            tape.watch(pixels)
            maps, logit = self._after_scale([cells, pixels], training=False)
            signed = logit[:, 0] * signs
        gradients = tape.gradient(signed, maps, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return tf.cast(maps, tf.float32), tf.cast(gradients, tf.float32)

    def _pixel_gradients(self, cells: tf.Tensor, pixels: tf.Tensor, signs: tf.Tensor) -> tf.Tensor:
        """Return the gradients of the signed logit with respect to pixels as the base sees them.

        Parameters
        ----------
        cells : tf.Tensor
            uint8 [n, size, size, 3], for the mask of the cell.
        pixels : tf.Tensor
            float [n, size, size, 3], scaled as by `scale`.
        signs : tf.Tensor
            float32 [n].

        Returns
        -------
        tf.Tensor
            float32 [n, size, size, 3].
        """
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            signed = self._after_scale([cells, pixels], training=False)[1][:, 0] * signs
        return tf.cast(tape.gradient(signed, pixels), tf.float32)

    def logits(self, cells: np.ndarray) -> np.ndarray:
        """Return the logits of any number of cells, a batch at a time: uint8 [n, size, size, 3] -> float32 [n]."""
        batches = (self._logits(cells[start : start + BATCH]).numpy() for start in range(0, len(cells), BATCH))
        return np.concatenate([np.zeros(0, np.float32), *batches])
