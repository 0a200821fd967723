"""Which layers are trainable: blocks of the backbone, one by one, and never a pretrained BatchNormalization."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import keras

from leukemia_tf.models.architecture import Block
from leukemia_tf.models.layer_names import SCALE


def block_layers(model: keras.Model, blocks: Sequence[Block]) -> dict[str, list[keras.layers.Layer]]:
    """Return the layers of each block; those behind the last block are under `head`.

    Keras lists a network's layers from input to output, and every path leads through a block's last layer. So the
    layers between two last layers are a block.
    """
    names = [layer.name for layer in model.layers]
    groups: dict[str, list[keras.layers.Layer]] = {}
    start = names.index(SCALE) + 1
    for block in blocks:
        end = names.index(block.last) + 1
        groups[block.name] = model.layers[start:end]
        start = end
    groups["head"] = model.layers[start:]
    return groups


def set_trainable(
    model: keras.Model, blocks: Sequence[Block], learning: Collection[str], pretrained: Collection[str]
) -> None:
    """Make the head and the named blocks trainable, freeze the rest.

    Parameters
    ----------
    model : keras.Model
        A network; compile it afterwards.
    blocks : sequence of Block
        The backbone's blocks, from input to output.
    learning : collection of str
        Names of the trainable blocks.
    pretrained : collection of str
        Names of the blocks whose weights were loaded: their BatchNormalization stays as it is, statistics too.
    """
    for name, group in block_layers(model, blocks).items():
        for layer in group:
            fixed = name in pretrained and isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = (name == "head" or name in learning) and not fixed


@contextmanager
def disable_frozen_dropout(model: keras.Model, blocks: Sequence[Block], learning: Collection[str]) -> Iterator[None]:
    """Switch off the dropout of frozen blocks while a stage is built and run, as in inference."""
    groups = block_layers(model, blocks)
    frozen = [layer for name in groups if name != "head" and name not in learning for layer in groups[name]]
    rates = {layer: layer.rate for layer in frozen if isinstance(layer, keras.layers.Dropout)}
    for layer in rates:
        layer.rate = 0.0
    try:
        yield
    finally:
        for layer, rate in rates.items():
            layer.rate = rate


def learning_rate_multipliers(model: keras.Model, blocks: Sequence[Block], decay: float) -> dict[str, float]:
    """Return each variable's factor of the learning rate, by its path: `decay` per block, counted from the last one."""
    groups = block_layers(model, blocks)
    multipliers: dict[str, float] = {}
    for depth, block in enumerate(reversed(blocks)):
        for layer in groups[block.name] if decay != 1 else ():
            multipliers |= {variable.path: decay**depth for variable in layer.variables}
    return multipliers
