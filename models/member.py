"""The layers of an ensemble: a member's probability, and the average or vote of all members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable("leukemia_tf")
class Member(keras.layers.Layer):
    """Apply a network in inference mode: uint8 [n, size, size, 3] -> float32 [n, 1], its calibrated probability.

    Parameters
    ----------
    network : keras.Model
        A network of this package.
    """

    def __init__(self, network: keras.Model, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network

    def call(self, cells: KerasTensor) -> KerasTensor:
        """Apply the network, without dropout."""
        return self.network(cells, training=False)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, 1]."""
        return (input_shape[0], 1)

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "network": keras.saving.serialize_keras_object(self.network)}

    @classmethod
    def from_config(cls, config: dict) -> Member:
        """Rebuild the network, then the layer."""
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"])})


@keras.saving.register_keras_serializable("leukemia_tf")
class Mix(keras.layers.Layer):
    """Average probabilities, or votes, and return the logit: [n, members] -> float32 [n, 1].

    Parameters
    ----------
    weights : sequence of float
        [members], summing to 1.
    thresholds : sequence of float, optional
        [members]: from which probability a member votes for `all`; without it the probabilities are averaged.
    """

    def __init__(self, weights: tuple[float, ...], thresholds: tuple[float, ...] | None = None, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.shares, self.thresholds = tuple(weights), thresholds and tuple(thresholds)

    def call(self, probabilities: KerasTensor) -> KerasTensor:
        """Average; the mean is clipped to 1e-6 from 0 and 1, so that its logit is finite."""
        votes = ops.cast(probabilities, "float32")
        if self.thresholds:
            votes = ops.cast(votes >= ops.convert_to_tensor(self.thresholds, "float32"), "float32")
        mean = ops.sum(votes * ops.convert_to_tensor(self.shares, "float32"), axis=-1, keepdims=True)
        mean = ops.clip(mean, 1e-6, 1 - 1e-6)
        return ops.log(mean) - ops.log(1.0 - mean)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, 1]."""
        return (input_shape[0], 1)

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "weights": self.shares, "thresholds": self.thresholds}


def as_inputs(images: Sequence) -> Any:
    """Return one array or tensor per input as a network takes them: the only one, or a list."""
    return images[0] if len(images) == 1 else list(images)


def members_of(model: keras.Model) -> list[keras.Model]:
    """Return an ensemble's members in the order of its inputs; for any other network, the network itself."""
    return [layer.network for layer in model.layers if isinstance(layer, Member)] or [model]
