"""A network for asking alone, in which convolutions do what the BatchNormalization behind them did."""

from __future__ import annotations

from collections import Counter

import keras
import numpy as np
from keras import layers, tree

from leukemia_tf.models.member import Member


def folded(model: keras.Model) -> keras.Model:
    """Return a copy of a network with each BatchNormalization folded into the convolution before it.

    A runtime then convolves, adds and activates in one pass; answers differ by rounding alone. A convolution gets the
    name of what it took in, so that a layer's name stands for the same numbers as before.

    Parameters
    ----------
    model : keras.Model
        A network of this package, an ensemble too. It stays as it is.

    Returns
    -------
    keras.Model
        With the same inputs and outputs. Not to be trained.
    """
    norms = _norms_behind(model)
    taken_in = {norm.name for norm in norms.values()}

    def copy_of(layer: layers.Layer) -> layers.Layer:
        if isinstance(layer, Member):
            return Member(folded(layer.network), name=layer.name)
        config = layer.get_config()
        if layer.name in norms:
            config |= {"use_bias": True, "name": norms[layer.name].name}
        return type(layer).from_config(config)

    def call(copied: layers.Layer, *args: object, **kwargs: object) -> object:
        gone = isinstance(copied, layers.BatchNormalization) and copied.name in taken_in
        return args[0] if gone else copied(*args, **kwargs)

    asked = keras.models.clone_model(model, clone_function=copy_of, call_function=call)
    for layer in model.layers:
        if layer.name in norms:
            norm = norms[layer.name]
            asked.get_layer(norm.name).set_weights(_merged(layer, norm))
        elif layer.weights and layer.name not in taken_in and not isinstance(layer, Member):
            asked.get_layer(layer.name).set_weights(layer.get_weights())
    return asked


def _norms_behind(model: keras.Model) -> dict[str, layers.BatchNormalization]:
    """Return what normalises the output of a convolution that nobody else reads, by the convolution's name."""
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


def _merged(layer: layers.Conv2D | layers.DepthwiseConv2D, norm: layers.BatchNormalization) -> list[np.ndarray]:
    """Return the kernel and the bias with which a convolution makes its normalised output."""
    mean, variance = (np.asarray(value, "float64") for value in (norm.moving_mean, norm.moving_variance))
    scale = (np.asarray(norm.gamma) if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
    kernel, *bias = layer.get_weights()
    shift = (np.asarray(norm.beta) if norm.center else 0.0) + ((bias[0] if bias else 0.0) - mean) * scale
    outputs = kernel.shape[-2:] if isinstance(layer, layers.DepthwiseConv2D) else kernel.shape[-1:]
    return [kernel * scale.reshape(outputs), shift]
