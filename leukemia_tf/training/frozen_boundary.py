"""Where the frozen part of a network ends: outputs there can be cached, and only the tail behind them be run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import KerasTensor, tree

from leukemia_tf.models.network import LOGIT


def frozen_boundary(model: keras.Model) -> tuple[KerasTensor, ...]:
    """Return the outputs of a network's frozen part that its trainable tail takes.

    An operation is frozen if it learns nothing, draws nothing at random, and takes frozen outputs alone.

    Parameters
    ----------
    model : keras.Model
        A network whose layers' `trainable` is set for the stage.

    Returns
    -------
    tuple of keras.KerasTensor
        At most one of each layer. Empty if no layer with weights is frozen, or if the network calls a layer twice.
    """
    frozen, computed = {id(model.input)}, {id(model.input)}
    boundary: dict[int, KerasTensor] = {}
    has_weights = False
    for operation in keras.Function(model.input, model.get_layer(LOGIT).output).operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        inputs, outputs = tree.flatten(operation.input), tree.flatten(operation.output)
        if not computed.issuperset(map(id, inputs)):
            return ()  # it takes the output of a second call, and Keras tells those of a layer's first call alone
        computed.update(map(id, outputs))
        if not _changes(operation) and frozen.issuperset(map(id, inputs)):
            frozen.update(map(id, outputs))
            has_weights |= bool(getattr(operation, "variables", ()))
        else:
            boundary |= {id(tensor): tensor for tensor in inputs if id(tensor) in frozen}
    return tuple(boundary.values()) if has_weights else ()


def _changes(operation: Any) -> bool:
    """Return whether an operation gives other outputs for the same inputs in the course of a stage."""
    if isinstance(operation, keras.layers.Dropout):
        return operation.rate > 0
    if isinstance(operation, keras.layers.BatchNormalization):
        return operation.trainable  # its moving statistics change even where it has no trainable weight
    return bool(getattr(operation, "trainable_variables", ()))


def trainable_tail(model: keras.Model, boundary: Sequence[KerasTensor]) -> keras.Model:
    """Return the part of a network behind its frozen boundary, on the same layers: cached outputs -> float32 [n, 1]."""
    return keras.Model(list(boundary), model.get_layer(LOGIT).output)
