"""What of a network stands still in a stage: its outputs can be kept, and only the rest be run again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import keras
from keras import KerasTensor

from leukemia_tf.models.network import LOGIT


def frontier(model: keras.Model) -> tuple[KerasTensor, ...]:
    """Return the outputs of a network's still part that its moving part takes.

    A layer stands still if nothing in it learns, nothing in it is drawn at random, and all it takes stands still.

    Parameters
    ----------
    model : keras.Model
        A network whose layers' `trainable` is set for the stage.

    Returns
    -------
    tuple of keras.KerasTensor
        At most one of each layer; empty if no layer with weights stands still.
    """
    logit = model.get_layer(LOGIT).output
    still, crossed, weighted = {id(model.input)}, [], False
    for operation, takes, gives in _operations(model.input, logit):
        if isinstance(operation, keras.layers.InputLayer):
            continue
        if not _moves(operation) and all(id(tensor) in still for tensor in takes):
            still.update(id(tensor) for tensor in gives)
            weighted |= bool(getattr(operation, "variables", ()))
        else:
            crossed += [tensor for tensor in takes if id(tensor) in still]
    unique = {id(tensor): tensor for tensor in crossed}
    return tuple(unique.values()) if weighted else ()


def _moves(operation: object) -> bool:
    if isinstance(operation, keras.layers.Dropout):
        return operation.rate > 0
    if isinstance(operation, keras.layers.BatchNormalization):
        return operation.trainable  # it may have no weight to learn and move all the same
    return bool(getattr(operation, "trainable_variables", ()))


def _operations(source: KerasTensor, sink: KerasTensor) -> list[tuple[object, list, list]]:
    """Return each operation on the way from one tensor to another, in order, with its inputs and outputs."""
    function = keras.Function(source, sink)
    depths = sorted(function._nodes_by_depth, reverse=True)
    nodes = [node for depth in depths for node in function._nodes_by_depth[depth]]
    return [(node.operation, list(node.input_tensors), list(node.output_tensors)) for node in nodes]


class Moving(keras.Model):
    """The rest of a network behind a frontier, on the same layers: kept outputs -> logit.

    Parameters
    ----------
    inputs : sequence of keras.KerasTensor
        As from `frontier`.
    logit : keras.KerasTensor
        The network's.
    """

    def __init__(self, inputs: Sequence[KerasTensor], logit: KerasTensor) -> None:
        super().__init__()
        self.function = keras.Function(list(inputs), logit)
        self.moving = [op for op in self.function.operations if isinstance(op, keras.layers.Layer)]
        self.built = True

    def call(self, inputs: tuple, training: bool | None = None) -> KerasTensor:
        """Run: a tuple of kept outputs -> float32 [n, 1]; Keras tells the layers whether this is training."""

        def told(operation: object) -> Callable:
            if training is None or "training" not in inspect.signature(operation.call).parameters:
                return operation
            return lambda *args, **kwargs: operation(*args, **{**kwargs, "training": training})

        return self.function._run_through_graph(list(inputs), told)
