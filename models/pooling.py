"""Keras layers that turn maps into features, over the whole frame or over the cell alone."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from leukemia_tf.data.preprocessing import BACKGROUND


@keras.saving.register_keras_serializable("leukemia_tf", name="MeanAndDeviation")
class GlobalMeanStdPooling(layers.Layer):
    """Pool maps to their mean and standard deviation over the frame: [n, h, w, c] -> float32 [n, 2 c]."""

    def call(self, maps: KerasTensor) -> KerasTensor:
        """Pool; the standard deviation of a constant map is 0.001 and has a gradient."""
        return _over_frame(ops.cast(maps, "float32"))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, 2 c]."""
        return (input_shape[0], 2 * input_shape[-1])


@keras.saving.register_keras_serializable("leukemia_tf")
class CellMask(layers.Layer):
    """Find the cell's pixels at the resolution of maps: uint8 [n, size, size, 3] -> float32 [n, h, w, 1], 0 or 1.

    Parameters
    ----------
    height, width : int
        Of the maps.
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.height, self.width = height, width

    def call(self, cells: KerasTensor) -> KerasTensor:
        """Mark each pixel of the maps that is brighter than the background over more than half of its area."""
        inside = ops.cast(ops.max(ops.cast(cells, "float32"), axis=-1) > BACKGROUND, "float32")
        down, across = (_resize_matrix(*sizes) for sizes in zip(cells.shape[1:3], (self.height, self.width)))
        share = ops.matmul(ops.matmul(down.T, inside), across)  # a resize; few runtimes have that as an operation
        return ops.cast(share > 0.5, "float32")[..., None]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, h, w, 1]."""
        return (input_shape[0], self.height, self.width, 1)

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("leukemia_tf", name="InsideCell")
class MaskedMeanStdPooling(layers.Layer):
    """Pool maps to their mean and standard deviation over the cell: [n, h, w, c], [n, h, w, 1] -> float32 [n, 2 c].

    The features do not depend on the cell's size. Without a cell they are 0 and 0.001.
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        """Pool [maps, mask]."""
        maps, inside = (ops.cast(values, "float32") for values in inputs)
        return _over_cell(maps, inside)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return [n, 2 c]."""
        return (input_shape[0][0], 2 * input_shape[0][-1])


@keras.saving.register_keras_serializable("leukemia_tf", name="CellAndFrame")
class MaskedAndGlobalMeanStdPooling(layers.Layer):
    """Pool maps over the cell and over the frame: [n, h, w, c], [n, h, w, 1] -> float32 [n, 4 c].

    As `MaskedMeanStdPooling` and `GlobalMeanStdPooling`; their difference depends on the cell's size.
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        """Pool [maps, mask]."""
        maps, inside = (ops.cast(values, "float32") for values in inputs)
        return ops.concatenate([_over_cell(maps, inside), _over_frame(maps)], axis=-1)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return [n, 4 c]."""
        return (input_shape[0][0], 4 * input_shape[0][-1])


def _resize_matrix(pixels: int, places: int) -> np.ndarray:
    """Return the weights of an antialiased bilinear resize of one side: float32 [pixels, places]; columns sum to 1."""
    scale = pixels / places
    distance = np.arange(pixels)[:, None] + 0.5 - (np.arange(places) + 0.5) * scale
    weights = np.maximum(0.0, 1.0 - np.abs(distance) / scale)
    return (weights / weights.sum(axis=0)).astype(np.float32)


def _over_frame(maps: KerasTensor) -> KerasTensor:
    return ops.concatenate([ops.mean(maps, axis=(1, 2)), ops.sqrt(ops.var(maps, axis=(1, 2)) + 1e-6)], axis=-1)


def _over_cell(maps: KerasTensor, inside: KerasTensor) -> KerasTensor:
    area = ops.maximum(ops.sum(inside, axis=(1, 2), keepdims=True), 1.0)
    mean = ops.sum(maps * inside, axis=(1, 2), keepdims=True) / area
    variance = ops.sum(inside * (maps - mean) ** 2, axis=(1, 2), keepdims=True) / area
    pooled = ops.concatenate([mean, ops.sqrt(variance + 1e-6)], axis=-1)
    return ops.reshape(pooled, (-1, 2 * maps.shape[-1]))
