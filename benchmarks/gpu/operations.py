"""How much a network computes; it needs Keras alone."""

from __future__ import annotations

import keras
import numpy as np


def operations(model: keras.Model) -> float:
    """Return the floating-point operations of a forward pass of one cell: those of its convolutions."""
    total = 0.0
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            _, height, width, channels = layer.output.shape
            inputs = 1 if isinstance(layer, keras.layers.DepthwiseConv2D) else layer.input.shape[-1]
            total += 2 * height * width * channels * inputs * np.prod(layer.kernel_size)
    return float(total)
