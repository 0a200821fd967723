"""The last layer of every network: from the logit to the probability, with what turns that into an answer."""

from __future__ import annotations

import keras
from keras import KerasTensor, ops

from leukemia_tf.models.decision import Decision


@keras.saving.register_keras_serializable("leukemia_tf")
class Probability(keras.layers.Layer):
    """Turn logits into probabilities: float32 [n, 1] -> float32 [n, 1].

    Parameters
    ----------
    temperature, threshold : float
        As in `Decision`. Functions that were traced before these change keep the old ones.
    """

    def __init__(self, temperature: float = 1.0, threshold: float = 0.5, **kwargs: object) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.temperature, self.threshold = float(temperature), float(threshold)

    def call(self, logits: KerasTensor) -> KerasTensor:
        """Divide and squash."""
        return ops.sigmoid(ops.cast(logits, "float32") / self.temperature)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "temperature": self.temperature, "threshold": self.threshold}


def decision_of(model: keras.Model) -> Decision:
    """Return the temperature and the threshold that travel inside a network."""
    layer = model.layers[-1]
    return Decision(layer.temperature, layer.threshold)


def decide_by(model: keras.Model, decision: Decision) -> None:
    """Put a temperature and a threshold into a network."""
    layer = model.layers[-1]
    layer.temperature, layer.threshold = float(decision.temperature), float(decision.threshold)
