"""The first layer of every network: scales pixels as its base wants, and carries the preprocessing's settings."""

from __future__ import annotations

import keras
from keras import KerasTensor, ops

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # of 255; keras.applications' `caffe` mode
SCALINGS = ("unit", "symmetric", "caffe")


@keras.saving.register_keras_serializable("leukemia_tf")
class CellInput(keras.layers.Layer):
    """Scale a cell's pixels.

    Parameters
    ----------
    scaling : str
        `unit` [0, 1], `symmetric` [-1, 1], or `caffe` (BGR less the ImageNet mean).
    preprocessing : dict
        Settings of the crop and resize that come before the network, so that they travel with it.
    """

    def __init__(self, scaling: str, preprocessing: dict, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if scaling not in SCALINGS:
            raise ValueError(f"`scaling` must be one of {SCALINGS}. Received: {scaling!r}")
        self.scaling = scaling
        self.preprocessing = dict(preprocessing)

    def call(self, cells: KerasTensor) -> KerasTensor:
        """Scale: [n, h, w, 3], RGB, 0-255 -> float of the same shape."""
        x = ops.cast(cells, self.compute_dtype)
        if self.scaling == "unit":
            return x / 255.0
        if self.scaling == "symmetric":
            return x / 127.5 - 1.0
        return ops.flip(x, axis=-1) - ops.convert_to_tensor(IMAGENET_MEAN_BGR, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "scaling": self.scaling, "preprocessing": self.preprocessing}
