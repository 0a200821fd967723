"""How a network was built: stored in its first layer, and read from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import keras

from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.heads import Head
from leukemia_tf.models.layer_names import POOL, SCALE
from leukemia_tf.models.table import find_architecture

BLOCK = {field.name for field in fields(Block)}  # networks of 0.1.0 store a further one, `texture`


def describe_network(
    architecture: Architecture, drop_blocks: int, cut: str | None, head: Head, blocks: Sequence[Block]
) -> dict[str, Any]:
    """Return what `CellInput` stores of a network: values that JSON has.

    Parameters
    ----------
    architecture : Architecture
        The backbone's record.
    drop_blocks : int
        How many of its last blocks are left out.
    cut : str or None
        The layer that it ends at instead.
    head : Head
        The classifier on it; of a function only the name is stored.
    blocks : sequence of Block
        The blocks in the network. A network of the user's needs no record to be explained.
    """
    function = head.function
    name = getattr(function, "__qualname__", type(function).__name__) if function else None
    return {
        "architecture": architecture.name,
        "drop_blocks": int(drop_blocks),
        "cut": cut,
        "head": {**vars(head), "units": list(head.units), "function": name},
        "blocks": [asdict(block) for block in blocks],
    }


def blocks_of(model: keras.Model) -> tuple[Block, ...]:
    """Return the blocks of a network's backbone, from input to output; the last one as it was truncated."""
    stored = description_of(model)["blocks"]
    return tuple(Block(**{key: value for key, value in block.items() if key in BLOCK}) for block in stored)


def architecture_of(model: keras.Model) -> Architecture:
    """Return the record of a network's backbone.

    Raises
    ------
    ArgumentError
        If this process has none: a network of the user's that was not registered here.
    """
    return find_architecture(description_of(model)["architecture"])


def description_of(model: keras.Model) -> dict[str, Any]:
    """Return what `describe_network` stored in a network."""
    return model.get_layer(SCALE).network or _description_from_name(model)


def _description_from_name(model: keras.Model) -> dict[str, Any]:
    """Describe a network that was saved before networks stored it: by its name, and what its head pools last."""
    architecture, layers = find_architecture(model.name.partition("_")[0]), {layer.name for layer in model.layers}
    blocks = [block for block in architecture.blocks if block.last in layers]
    maps = keras.tree.flatten(model.get_layer(POOL).input)[0] if POOL in layers else None
    end = next((layer.name for layer in model.layers if layer.output is maps), None)
    if end and end not in {block.last for block in blocks}:
        blocks.append(architecture.blocks[len(blocks)].ending_at(end))
    return {"architecture": architecture.name, "blocks": [asdict(block) for block in blocks]}
