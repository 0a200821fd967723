"""From maps to features: what stands between a base and the dense layers."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers, ops

from leukemia_tf.models.head import Head


@keras.saving.register_keras_serializable("leukemia_tf")
class MeanAndDeviation(layers.Layer):
    """Pool maps to their mean and standard deviation over space: [n, h, w, c] -> [n, 2 c]."""

    def call(self, maps: KerasTensor) -> KerasTensor:
        """Pool; where a map is even, its deviation is 0.001 and has a gradient."""
        maps = ops.cast(maps, "float32")
        variance = ops.var(maps, axis=(1, 2))
        return ops.concatenate([ops.mean(maps, axis=(1, 2)), ops.sqrt(variance + 1e-6)], axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, 2 c]."""
        return (input_shape[0], 2 * input_shape[-1])


LAYERS = {
    "mean": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
    "mean-std": MeanAndDeviation,
    "flatten": layers.Flatten,
}


def pool(outputs: list[KerasTensor], head: Head) -> KerasTensor:
    """Pool the last outputs of a base's blocks as a head asks; the last one's layer is called `pool`."""
    names = [f"pool_{number}" for number in range(len(outputs) - 1, 0, -1)] + ["pool"]
    pooled = [LAYERS[head.pooling](name=name)(maps) for name, maps in zip(names, outputs, strict=True)]
    return pooled[0] if len(pooled) == 1 else layers.Concatenate(name="depths")(pooled)
