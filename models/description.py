"""How a network was built: stored in its first layer, and read from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import keras

from leukemia_tf.models.architecture import Architecture, Block, blocks_within
from leukemia_tf.models.heads import Head
from leukemia_tf.models.layer_names import SCALE
from leukemia_tf.models.table import find_architecture


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
    return tuple(Block(**block) for block in _description_of(model)["blocks"])


def architecture_of(model: keras.Model) -> Architecture:
    """Return the record of a network's backbone.

    Raises
    ------
    ArgumentError
        If this process has none: a network of the user's that was not registered here.
    """
    return find_architecture(_description_of(model)["architecture"])


def _description_of(model: keras.Model) -> dict[str, Any]:
    return model.get_layer(SCALE).network or _description_from_name(model)


def _description_from_name(model: keras.Model) -> dict[str, Any]:
    """Parse the name of a network that was saved before networks stored their description."""
    name, _, cut = model.name.partition("_to_")
    architecture, layers = find_architecture(name.partition("_")[0]), {layer.name for layer in model.layers}
    blocks = architecture.blocks
    present = [block for block in blocks if block.last in layers]
    if cut in layers and cut not in {block.last for block in present}:
        blocks = (*present, blocks[len(present)].ending_at(cut))
    return {"architecture": architecture.name, "blocks": [asdict(block) for block in blocks_within(blocks, layers)]}
