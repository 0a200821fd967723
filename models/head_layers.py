"""A head's layers: which maps it pools, how, and the classifier behind them."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import KerasTensor, layers

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.models.architecture import Block, load_object
from leukemia_tf.models.heads import POOLINGS, Head, HeadFunction
from leukemia_tf.models.layer_names import LOGIT, POOL, PROBABILITY
from leukemia_tf.models.pooling import CellMask
from leukemia_tf.models.probability import Probability


def add_head(base: keras.Model, blocks: Sequence[Block], head: Head, cells: KerasTensor) -> KerasTensor:
    """Put a head on a backbone.

    Parameters
    ----------
    base : keras.Model
        The backbone.
    blocks : sequence of Block
        Its blocks, from input to output.
    head : Head
        How they are pooled and classified.
    cells : keras.KerasTensor
        The network's input, uint8 [n, size, size, 3].

    Returns
    -------
    keras.KerasTensor
        float32 [n, 1], the probability of `all`.

    Raises
    ------
    ArgumentError
        If the head's function returns no features.
    """
    ends = [base.get_layer(block.last).output for block in blocks[-head.depths :]]
    return add_classifier(_pool(ends, head, cells), head)


def add_classifier(features: KerasTensor, head: Head) -> KerasTensor:
    """Put a head's layers behind the pooling on features: [n, f] -> float32 [n, 1], the probability."""
    x = features
    if head.standardize:
        x = layers.BatchNormalization(center=False, scale=False, name="standard", dtype="float32")(x)
    x = _call(head.function, x) if head.function else _dense(head, x)
    penalty = keras.regularizers.L2(head.l2) if head.l2 else None
    logit = layers.Dense(1, name=LOGIT, dtype="float32", kernel_regularizer=penalty)(x)
    return Probability(name=PROBABILITY)(logit)


def _dense(head: Head, x: KerasTensor) -> KerasTensor:
    if head.dropout_before:
        x = layers.Dropout(head.dropout_before, name="dropout_before")(x)
    for number, units in enumerate(head.units, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense{number}")(x)
    if head.dropout:
        x = layers.Dropout(head.dropout, name="dropout")(x)
    return x


def _call(function: HeadFunction, features: KerasTensor) -> KerasTensor:
    """Call the user's function; stop if it returns no features [n, k]."""
    x = function(features)
    if not isinstance(x, KerasTensor) or len(x.shape) != 2 or x.shape[-1] is None:
        raise ArgumentError("head", x, f"of features {features.shape} it has to return a Keras tensor [n, k].")
    return x


def _pool(outputs: Sequence[KerasTensor], head: Head, cells: KerasTensor) -> KerasTensor:
    """Pool each of the maps and concatenate the features; the last one's layer is called `pool`."""
    pooling, pooled = POOLINGS[head.pooling], []
    names = [f"{POOL}_{number}" for number in range(len(outputs) - 1, 0, -1)] + [POOL]
    for name, maps in zip(names, outputs, strict=True):
        inputs = [maps, CellMask(*maps.shape[1:3], name=f"{name}_mask")(cells)] if pooling.masked else maps
        pooled.append(load_object(pooling.layer)(name=name)(inputs))
    return pooled[0] if len(pooled) == 1 else layers.Concatenate(name="depths", dtype="float32")(pooled)
