"""The last layer of every network: from the logit to the probability, with what turns that into an answer."""

from __future__ import annotations

from dataclasses import asdict

import keras
from keras import KerasTensor, ops

from leukemia_tf.models.decision import Decision, Likeness


@keras.saving.register_keras_serializable("leukemia_tf")
class Probability(keras.layers.Layer):
    """Turn logits into probabilities: float32 [n, 1] -> float32 [n, 1].

    Parameters
    ----------
    decision : dict, optional
        What `Decision` takes. Functions that were traced before it changes keep the old one.
    """

    def __init__(self, decision: dict | None = None, **kwargs: object) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        values = dict(decision or {})
        if values.get("likeness"):
            likeness = Likeness(**values["likeness"])  # out of a file, with lists
            rows = tuple(map(tuple, likeness.precision))
            values["likeness"] = Likeness(tuple(likeness.centre), rows, likeness.limit)
        self.decision = Decision(**values)

    def call(self, logits: KerasTensor) -> KerasTensor:
        """Divide and squash."""
        return ops.sigmoid(ops.cast(logits, "float32") / self.decision.temperature)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return input_shape

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "decision": asdict(self.decision)}


def decision_of(model: keras.Model) -> Decision:
    """Return what turns a network's logit into an answer."""
    return model.layers[-1].decision


def decide_by(model: keras.Model, decision: Decision) -> None:
    """Put what turns its logit into an answer into a network."""
    model.layers[-1].decision = decision


def distance(traits: KerasTensor, likeness: Likeness) -> KerasTensor:
    """Return how far images are from the training cells: float [n, traits] -> float32 [n], Mahalanobis distances.

    Source: Mahalanobis 1936; as a guard, Lee et al. 2018, arXiv:1807.03888.
    """
    away = ops.cast(traits, "float32") - ops.convert_to_tensor(likeness.centre, "float32")
    squares = ops.sum(ops.matmul(away, ops.convert_to_tensor(likeness.precision, "float32")) * away, axis=-1)
    return ops.sqrt(ops.maximum(squares, 0.0))
