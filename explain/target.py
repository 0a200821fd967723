"""What explanations need of a network: its logit, maps of its layers, and the gradients of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.models.explained import explained_maps
from leukemia_tf.models.layer_names import LOGIT, SCALE
from leukemia_tf.models.network import logit_model

BATCH = 32  # perturbed cells per prediction step


class Evidence(NamedTuple):
    """What the logit is computed from: a layer's maps of cells, less those of an empty frame.

    Parameters
    ----------
    maps : tf.Tensor
        float32 [n, h, w, c]; 0 where the head does not read them.
    gradients : tf.Tensor
        float32 [n, h, w, c], of the signed logit.
    empty : tf.Tensor
        float32 [1, h, w, c]: the maps of an all-black cell; 0 where the head reads the cell's places alone.
    inside : tf.Tensor or None
        float32 [n, h, w, 1], 0 or 1: the cell's places, where the head pools them by themselves.
    """

    maps: tf.Tensor
    gradients: tf.Tensor
    empty: tf.Tensor
    inside: tf.Tensor | None = None

    @property
    def added(self) -> tf.Tensor:
        """What the cell adds to the maps of the empty frame: float32 [n, h, w, c]."""
        return self.maps - self.empty


class Target:
    """A network of this package, to be explained at the maps that its head reads, or at one of its layers.

    Where the head reads several depths, the logit is taken as a function of all of them: the gradient of each is that
    of the head alone, not through the depths behind it, so that nothing counts twice.

    Parameters
    ----------
    model : keras.Model
        One network, no ensemble.
    layer : str, optional
        A layer or a block; by default as from `leukemia_tf.models.explained.explained_maps`.

    Raises
    ------
    UserError
        If there is no such layer, or if it has no maps.
    """

    def __init__(self, model: keras.Model, layer: str | None = None) -> None:
        self.model, explained = model, explained_maps(model, layer)
        self.layers = tuple(maps.layer for maps in explained)
        self.size = model.input.shape[1]
        self.scale = model.get_layer(SCALE)
        outputs, entrance = [maps.output for maps in explained], [model.input, self.scale.output]
        self._explained = explained
        masks = [maps.mask for maps in explained if maps.mask is not None]
        self._maps = keras.Model(entrance, [*outputs, *masks])
        self._head = keras.Model([*entrance, *outputs], model.get_layer(LOGIT).output)
        self._after_scale = keras.Model(entrance, model.get_layer(LOGIT).output)  # so that a tape can watch the pixels
        self._logit = logit_model(model)
        cells = tf.TensorSpec([None, *model.input.shape[1:]], model.input.dtype)
        pixels, signs = tf.TensorSpec(cells.shape, self.scale.compute_dtype), tf.TensorSpec([None], tf.float32)
        self._maps_and_gradients = tf.function(self._compute, [cells, signs], autograph=False)
        self._empty = tf.function(lambda cells: self._read(cells, self.scale(cells))[0], [cells], autograph=False)
        self.pixel_gradients = tf.function(self._pixel_gradients, [cells, pixels, signs], autograph=False)
        self._logits = tf.function(lambda cells: self._logit(cells, training=False)[:, 0], [cells], autograph=False)

    def empty_maps(self) -> list[tf.Tensor]:
        """Return each layer's maps of an all-black cell, float32 [1, h, w, c]; 0 where the head reads the cell alone.

        They are computed anew with each call: the network's weights may change.
        """
        maps = self._empty(tf.zeros([1, *self.model.input.shape[1:]], self.model.input.dtype))
        maps = [tf.cast(one, tf.float32) for one in maps]
        return [tf.zeros_like(one) if read.cell_alone else one for one, read in zip(maps, self._explained)]

    def evidence(
        self, cells: np.ndarray | tf.Tensor, signs: np.ndarray | tf.Tensor, empty: Sequence[tf.Tensor] | None = None
    ) -> list[Evidence]:
        """Return the maps of each layer and the gradients of the logit with respect to them, from input to output.

        Parameters
        ----------
        cells : numpy.ndarray or tf.Tensor
            uint8 [n, size, size, 3].
        signs : numpy.ndarray or tf.Tensor
            float32 [n]: 1 to explain `all`, -1 to explain `hem`.
        empty : sequence of tf.Tensor, optional
            As from `empty_maps`, which is called if they are not given.
        """
        maps, gradients, masks = self._maps_and_gradients(cells, signs)
        empty = self.empty_maps() if empty is None else empty
        return [Evidence(*one) for one in zip(maps, gradients, empty, self._by_layer(masks))]

    def _read(self, cells: tf.Tensor, pixels: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Return the layers' maps, and the masks of those that have one."""
        outputs = self._maps([cells, pixels], training=False)
        outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
        return outputs[: len(self.layers)], outputs[len(self.layers) :]

    def _by_layer(self, masks: Sequence[tf.Tensor]) -> list[tf.Tensor | None]:
        """Return each layer's mask; None for a layer without one."""
        left = iter(masks)
        return [None if read.mask is None else next(left) for read in self._explained]

    def _compute(self, cells: tf.Tensor, signs: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor], list[tf.Tensor]]:
        """Return maps and gradients, float32 [n, h, w, c] for each layer, and the masks of those that have one."""
        pixels = self.scale(cells)
        maps, masks = self._read(cells, pixels)
        with tf.GradientTape() as tape:
            tape.watch(maps)
            signed = self._head([cells, pixels, *maps], training=False)[:, 0] * signs
        gradients = tape.gradient(signed, maps, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        alone = [
            mask if read.cell_alone else 1.0 for read, mask in zip(self._explained, self._by_layer(masks), strict=True)
        ]
        read = [tf.cast(one, tf.float32) * mask for one, mask in zip(maps, alone)]
        return read, [tf.cast(one, tf.float32) for one in gradients], masks

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
            signed = self._after_scale([cells, pixels], training=False)[:, 0] * signs
        return tf.cast(tape.gradient(signed, pixels), tf.float32)

    def logits(self, cells: np.ndarray) -> np.ndarray:
        """Return the logits of any number of cells, a batch at a time: uint8 [n, size, size, 3] -> float32 [n]."""
        batches = (self._logits(cells[start : start + BATCH]).numpy() for start in range(0, len(cells), BATCH))
        return np.concatenate([np.zeros(0, np.float32), *batches])
