"""Which layers learn: blocks of the base, one by one, and never a pretrained BatchNormalization."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import keras
from leukemia_tf.models.network import SCALE
from leukemia_tf.models.table import Block


def block_layers(model: keras.Model, blocks: Sequence[Block]) -> dict[str, list[keras.layers.Layer]]:
    """Return the layers of each block; `head` holds those behind the last block.

    A layer belongs to the first block whose last layer it leads to.
    """
    parents = {layer.name: _parents(layer) for layer in model.layers}
    groups: dict[str, list[keras.layers.Layer]] = {}
    seen = {name for name, above in parents.items() if not above} | {SCALE}
    for block in blocks:
        todo, names = [block.last], set()
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                names.add(name)
                todo += parents[name]
        groups[block.name] = [layer for layer in model.layers if layer.name in names]
    groups["head"] = [layer for layer in model.layers if layer.name not in seen]
    return groups


def _parents(layer: keras.layers.Layer) -> list[str]:
    if isinstance(layer, keras.layers.InputLayer):
        return []
    inputs = layer.input if isinstance(layer.input, (list, tuple)) else [layer.input]
    return [tensor._keras_history.operation.name for tensor in inputs]


def set_trainable(
    model: keras.Model, blocks: Sequence[Block], learning: Collection[str], pretrained: Collection[str]
) -> None:
    """Let the head and the named blocks learn, freeze the rest.

    Parameters
    ----------
    model : keras.Model
        A network; compile it afterwards.
    blocks : sequence of Block
        The base's blocks, from input to output.
    learning : collection of str
        Names of the blocks that learn.
    pretrained : collection of str
        Names of the blocks whose weights were loaded: their BatchNormalization never learns nor moves.
    """
    for name, group in block_layers(model, blocks).items():
        for layer in group:
            held = name in pretrained and isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = (name == "head" or name in learning) and not held
