"""Which layers learn: blocks of the base, one by one, and never a pretrained BatchNormalization."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import keras

from leukemia_tf.models.architecture import Block
from leukemia_tf.models.network import SCALE


def block_layers(model: keras.Model, blocks: Sequence[Block]) -> dict[str, list[keras.layers.Layer]]:
    """Return the layers of each block; `head` holds those behind the last block.

    Keras lists a network's layers from input to output, and every path leads through a block's last layer, so a block
    is what stands between two last layers.
    """
    names = [layer.name for layer in model.layers]
    start, groups = names.index(SCALE) + 1, {}
    for block in blocks:
        end = names.index(block.last) + 1
        groups[block.name] = model.layers[start:end]
        start = end
    groups["head"] = model.layers[start:]
    return groups


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


@contextmanager
def frozen_as_served(model: keras.Model, blocks: Sequence[Block], learning: Collection[str]) -> Iterator[None]:
    """Let frozen blocks drop nothing at random while a stage is built and run, as when they are served."""
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


def rate_shares(model: keras.Model, blocks: Sequence[Block], decay: float) -> dict[str, float]:
    """Return the share of the rate that each block's variables learn at, by their paths: each lower block less."""
    groups, shares = block_layers(model, blocks), {}
    for depth, block in enumerate(reversed(blocks)):
        for layer in groups[block.name] if decay != 1 else ():
            shares |= {variable.path: decay**depth for variable in layer.variables}
    return shares
