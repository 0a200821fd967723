"""The last layer of every network: from the logit to the probability; it stores the calibration."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, ops

from leukemia_tf.models.calibration import (
    Calibration,
    OutOfDistribution,
    calibration_config,
    calibration_from_config,
)


@keras.saving.register_keras_serializable("leukemia_tf")
class Probability(keras.layers.Layer):
    """Turn logits into probabilities: float32 [n, 1] -> float32 [n, 1].

    Parameters
    ----------
    decision : dict, optional
        The calibration, as `calibration_config` returns it. Functions traced before a change use the old one.
    """

    def __init__(self, decision: dict | None = None, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.calibration = calibration_from_config(decision or {})

    def call(self, logits: KerasTensor) -> KerasTensor:
        """Divide by the temperature, apply the sigmoid."""
        return ops.sigmoid(ops.cast(logits, "float32") / self.calibration.temperature)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "decision": calibration_config(self.calibration)}


def get_calibration(model: keras.Model) -> Calibration:
    """Return the calibration that a network stores."""
    return model.layers[-1].calibration


def set_calibration(model: keras.Model, calibration: Calibration) -> None:
    """Store a calibration in a network."""
    model.layers[-1].calibration = calibration


def mahalanobis_distance(image_statistics: KerasTensor, distribution: OutOfDistribution) -> KerasTensor:
    """Return the Mahalanobis distance of images from the training cells: float [n, statistics] -> float32 [n].

    Source: Mahalanobis 1936; as a guard, Lee et al. 2018, arXiv:1807.03888.
    """
    offset = ops.cast(image_statistics, "float32") - ops.convert_to_tensor(distribution.centre, "float32")
    squares = ops.sum(ops.matmul(offset, ops.convert_to_tensor(distribution.precision, "float32")) * offset, axis=-1)
    return ops.sqrt(ops.maximum(squares, 0.0))
