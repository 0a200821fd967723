"""The first layer of every network: it scales pixels, and stores what travels with the network."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, ops

CAFFE_MEAN = (103.939, 116.779, 123.68)  # BGR, of 255
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # RGB, of 1: ImageNet's
SCALINGS = ("unit", "symmetric", "caffe", "torch", "inside", "efficientnet")


@keras.saving.register_keras_serializable("leukemia_tf")
class CellInput(keras.layers.Layer):
    """Scale a cell's pixels as the backbone was trained on them.

    Parameters
    ----------
    scaling : str
        `unit` [0, 1]; `symmetric` [-1, 1]; `caffe` (BGR minus the ImageNet mean); `torch` (RGB minus the mean, divided
        by the standard deviation); `inside` (0-255: the backbone scales by itself); `efficientnet` (as `torch`, divided
        by the root of the standard deviation, times 255: what its backbone's division by 255 takes).
    preprocessing : dict
        Settings of the crop and resize in front of the network.
    network : dict, optional
        How the network was built; see `leukemia_tf.models.description`. None in networks saved before it was stored.
    """

    def __init__(self, scaling: str, preprocessing: dict, network: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if scaling not in SCALINGS:
            raise ValueError(f"`scaling` must be one of {SCALINGS}. Received: {scaling!r}")
        self.scaling = scaling
        self.preprocessing = dict(preprocessing)
        self.network = dict(network) if network else None

    def call(self, cells: KerasTensor) -> KerasTensor:
        """Scale: [n, h, w, 3], RGB, 0-255 -> float of the same shape."""
        x = ops.cast(cells, self.compute_dtype)
        if self.scaling == "inside":
            return x
        if self.scaling == "unit":
            return x / 255.0
        if self.scaling == "symmetric":
            return x / 127.5 - 1.0
        if self.scaling == "caffe":
            return ops.flip(x, axis=-1) - ops.convert_to_tensor(CAFFE_MEAN, self.compute_dtype)
        scaled = (x / 255.0 - ops.convert_to_tensor(MEAN, self.compute_dtype)) / ops.convert_to_tensor(
            DEVIATION, self.compute_dtype
        )
        if self.scaling == "torch":
            return scaled
        return 255.0 * scaled / ops.sqrt(ops.convert_to_tensor(DEVIATION, self.compute_dtype))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = {"scaling": self.scaling, "preprocessing": self.preprocessing, "network": self.network}
        return {**super().get_config(), **config}
