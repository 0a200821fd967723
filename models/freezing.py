"""Which layers are trainable: the head, and those blocks and layers of the backbone that a stage names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

import keras
from keras import tree

from leukemia_tf.models.architecture import Block
from leukemia_tf.models.layer_names import SCALE

NOT_NAMED = (keras.layers.BatchNormalization, keras.layers.Normalization)  # one follows another layer, one is constant


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


def weighted_layers(model: keras.Model, blocks: Sequence[Block]) -> dict[str, tuple[str, ...]]:
    """Return the names of each block's layers with weights, BatchNormalization not counted, from input to output."""
    groups = block_layers(model, blocks)
    return {block.name: tuple(layer.name for layer in groups[block.name] if _is_named(layer)) for block in blocks}


def set_trainable(
    model: keras.Model,
    blocks: Sequence[Block],
    learning: Collection[str],
    pretrained: Collection[str],
    train_batchnorm: bool = False,
    folded: Collection[str] = (),
) -> None:
    """Make the head and the named blocks and layers trainable, freeze the rest.

    Parameters
    ----------
    model : keras.Model
        A network; compile it afterwards.
    blocks : sequence of Block
        The backbone's blocks, from input to output.
    learning : collection of str
        Names of what learns: blocks, or layers with weights. A BatchNormalization belongs to the layer before it.
    pretrained : collection of str
        Names of the blocks whose weights were loaded: their BatchNormalization stays as it is, statistics too.
    train_batchnorm : bool
        Whether it learns with its layer nevertheless.
    folded : collection of str
        Names of BatchNormalizations that stay as they are even then: `LoadedWeights.folded`.
    """
    names = _learning_layers(model, blocks, learning)
    for name, group in block_layers(model, blocks).items():
        for layer in group:
            is_norm = name in pretrained and isinstance(layer, keras.layers.BatchNormalization)
            fixed = is_norm and (not train_batchnorm or layer.name in folded)
            layer.trainable = (name == "head" or layer.name in names) and not fixed


@contextmanager
def disable_frozen_dropout(model: keras.Model, blocks: Sequence[Block], learning: Collection[str]) -> Iterator[None]:
    """Switch off the dropout behind frozen layers of the backbone while a stage is built and run, as in inference."""
    groups, names = block_layers(model, blocks), _learning_layers(model, blocks, learning)
    frozen = [layer for block in blocks for layer in groups[block.name] if layer.name not in names]
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


def _is_named(layer: keras.layers.Layer) -> bool:
    return bool(layer.weights) and not isinstance(layer, NOT_NAMED)


def _learning_layers(model: keras.Model, blocks: Sequence[Block], learning: Collection[str]) -> set[str]:
    """Return the names of all layers that belong to the named blocks and layers of the backbone.

    To a layer belong the BatchNormalization, the dropout and the other layers behind it, up to the next with weights.
    """
    groups = block_layers(model, blocks)
    names = {layer.name for block in blocks if block.name in learning for layer in groups[block.name]}
    single = set(learning) - {block.name for block in blocks}
    if not single:
        return names
    sources: dict[int, frozenset[str]] = {}  # of each tensor: the nearest layers with weights before it
    for operation in model.operations:
        inputs = [] if isinstance(operation, keras.layers.InputLayer) else tree.flatten(operation.input)
        before = frozenset[str]().union(*(sources.get(id(tensor), frozenset()) for tensor in inputs))
        if isinstance(operation, keras.layers.Layer):
            before = frozenset({operation.name}) if _is_named(operation) else before
            names |= {operation.name} if before & single else set()
        sources |= {id(tensor): before for tensor in tree.flatten(operation.output)}
    return names - {layer.name for layer in groups["head"]}
