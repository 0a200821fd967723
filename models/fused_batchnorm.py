"""A network for inference alone, with each BatchNormalization fused into the convolution before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import keras
import numpy as np
from keras import layers, tree

from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.member import Member


def fuse_batch_normalization(model: keras.Model, map_dtype: str = "float32") -> keras.Model:
    """Return a copy of a network with each BatchNormalization fused into the convolution before it.

    A runtime then convolves, adds and activates in one pass; predictions differ by rounding alone. A convolution gets
    the name of the BatchNormalization, so that a layer's name stands for the same values as before.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble. It is not changed.
    map_dtype : str
        The dtype policy of the layers whose outputs are maps, where the network's is float32.

    Returns
    -------
    keras.Model
        With the same inputs and outputs; not for training.
    """
    norms = norms_behind(model)
    fused = {norm.name for norm in norms.values()}

    def copy(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, Member):
            return Member(fuse_batch_normalization(layer.network, map_dtype), name=layer.name)
        config = layer.get_config()
        if "dtype" in config and computes_maps(layer):
            config["dtype"] = map_dtype
        if layer.name in norms:
            config |= {"use_bias": True, "name": norms[layer.name].name}
        return type(layer).from_config(config)

    clone = clone_without(fused, model, copy)
    for layer in model.layers:
        if layer.name in norms:
            norm = norms[layer.name]
            clone.get_layer(norm.name).set_weights(_fused_weights(layer, norm))
        elif layer.weights and layer.name not in fused and not isinstance(layer, Member):
            clone.get_layer(layer.name).set_weights(layer.get_weights())
    return clone


def clone_without(
    norms: Collection[str], model: keras.Model, copy: Callable[[layers.Layer], layers.Layer]
) -> keras.Model:
    """Return a network of copied layers that passes by the BatchNormalizations of these names."""

    def call(layer: layers.Layer, *args: Any, **kwargs: Any) -> Any:
        skipped = isinstance(layer, layers.BatchNormalization) and layer.name in norms
        return args[0] if skipped else layer(*args, **kwargs)

    return keras.models.clone_model(model, clone_function=copy, call_function=call)


def computes_maps(layer: layers.Layer) -> bool:
    """Return whether a layer of float32 makes maps of maps: cells are scaled before, and pooled behind, at float32."""
    outside = isinstance(layer, (layers.InputLayer, CellInput, keras.Model))
    is_map = all(len(tensor.shape) == 4 for tensor in tree.flatten(layer.output))
    return is_map and not outside and layer.dtype_policy.name == "float32"


def norms_behind(model: keras.Model) -> dict[str, layers.BatchNormalization]:
    """Return the BatchNormalization of each convolution whose output nothing else reads, by the convolution's name."""
    readers = Counter(id(tensor) for operation in model.operations for tensor in tree.flatten(operation.input))
    readers.update(id(tensor) for tensor in model.outputs)
    norms = {id(layer.input): layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    return {
        layer.name: norms[id(layer.output)]
        for layer in model.layers
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D))
        and layer.activation is keras.activations.linear
        and id(layer.output) in norms
        and readers[id(layer.output)] == 1
    }


def _fused_weights(layer: layers.Conv2D | layers.DepthwiseConv2D, norm: layers.BatchNormalization) -> list[np.ndarray]:
    """Return the kernel and the bias with which a convolution computes its normalised output."""
    mean, variance = (np.asarray(value, "float64") for value in (norm.moving_mean, norm.moving_variance))
    scale = (np.asarray(norm.gamma) if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
    kernel, *bias = layer.get_weights()
    shift = (np.asarray(norm.beta) if norm.center else 0.0) + ((bias[0] if bias else 0.0) - mean) * scale
    outputs = kernel.shape[-2:] if isinstance(layer, layers.DepthwiseConv2D) else kernel.shape[-1:]
    return [kernel * scale.reshape(outputs), shift]
