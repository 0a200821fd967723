"""A network as a part of an ensemble, and the networks that a model is made of."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import KerasTensor, ops


@keras.saving.register_keras_serializable("leukemia_tf")
class Member(keras.layers.Layer):
    """Ask a network as it is: uint8 [n, size, size, 3] -> float32 [n, 1], its calibrated probability.

    Parameters
    ----------
    network : keras.Model
        A network of this package.
    """

    def __init__(self, network: keras.Model, **kwargs: object) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.network = network

    def call(self, cells: KerasTensor) -> KerasTensor:
        """Ask, with nothing dropped at random."""
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
    """Average probabilities, or votes, by weights, as a logit: [n, members] -> float32 [n, 1].

    Parameters
    ----------
    weights : sequence of float
        [members], summing to 1.
    thresholds : sequence of float, optional
        [members]: from which probability a member votes for `all`; without it the probabilities are averaged.
    """

    def __init__(
        self, weights: tuple[float, ...], thresholds: tuple[float, ...] | None = None, **kwargs: object
    ) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.shares, self.thresholds = tuple(weights), thresholds and tuple(thresholds)

    def call(self, probabilities: KerasTensor) -> KerasTensor:
        """Average; a share of 0 or 1 becomes the logit of a millionth."""
        said = ops.cast(probabilities, "float32")
        if self.thresholds:
            said = ops.cast(said >= ops.convert_to_tensor(self.thresholds, "float32"), "float32")
        share = ops.sum(said * ops.convert_to_tensor(self.shares, "float32"), axis=-1, keepdims=True)
        share = ops.clip(share, 1e-6, 1 - 1e-6)
        return ops.log(share) - ops.log(1.0 - share)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, 1]."""
        return (input_shape[0], 1)

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "weights": self.shares, "thresholds": self.thresholds}


def as_inputs(pictures: Sequence) -> object:
    """Return a picture an input as a network takes them: the one, or a list."""
    return pictures[0] if len(pictures) == 1 else list(pictures)


def members_of(model: keras.Model) -> list[keras.Model]:
    """Return the networks that an ensemble asks, in the order of its inputs; of any other network itself."""
    return [layer.network for layer in model.layers if isinstance(layer, Member)] or [model]
