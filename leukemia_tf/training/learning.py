"""What a stage trains of the base, as a person writes it: a number of blocks, `all`, names, or `last-layers:N`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from leukemia_tf.core.errors import UserError, nearest

LAST_LAYERS = "last-layers:"
Layers = Mapping[str, Sequence[str]]  # of each block, the names of its layers with weights


def named_parts(received: Any, blocks: Sequence[str], layers: Layers) -> tuple[str, ...]:
    """Return the names of the blocks and layers that learn, from input to output.

    Parameters
    ----------
    received : Any
        How many of the last blocks learn, `all`, a list of names of blocks and layers, or `last-layers:N`.
    blocks : sequence of str
        Names of the base's blocks, from input to output.
    layers : mapping
        As from `leukemia_tf.models.freezing.weighted_layers`.

    Raises
    ------
    UserError
        If it is none of these, or names what there is not.
    """
    if received == "all":
        return tuple(blocks)
    if isinstance(received, int) and 0 <= received <= len(blocks):
        return tuple(blocks[len(blocks) - received :])
    if isinstance(received, str) and received.startswith(LAST_LAYERS):
        return last_layers(received, blocks, layers)
    if not isinstance(received, list):
        raise UserError(
            f'learning takes 0 to {len(blocks)}, "all", a list of blocks and layers, or "last-layers:N". '
            f"Received: {received!r}"
        )
    return in_order(received, blocks, layers)


def last_layers(text: str, blocks: Sequence[str], layers: Layers) -> tuple[str, ...]:
    """Return the last N layers with weights, BatchNormalization not counted, for `last-layers:N`.

    Raises
    ------
    UserError
        If N is no number of layers that there are.
    """
    number, names = text.removeprefix(LAST_LAYERS), [name for block in blocks for name in layers[block]]
    if not number.isdecimal() or not 1 <= int(number) <= len(names):
        raise UserError(f"last-layers takes 1 to {len(names)}, as in `last-layers:3`. Received: {text!r}")
    return tuple(names[-int(number) :])


def in_order(names: Collection[Any], blocks: Sequence[str], layers: Layers) -> tuple[str, ...]:
    """Return names of blocks and layers from input to output; a layer of a named block is named with it.

    Raises
    ------
    UserError
        If the base has none of a name; it suggests the nearest.
    """
    known = [*blocks, *(name for block in blocks for name in layers.get(block, ()))]
    for name in names:
        if name not in known:
            near = nearest(str(name), known)
            hint = near if near.startswith("did") else nearest(str(name), blocks)  # all layers would be too many
            raise UserError(f"no such block, or layer with weights, as {name!r}; {hint}")
    ordered: list[str] = []
    for block in blocks:
        ordered += [block] if block in names else [name for name in layers.get(block, ()) if name in names]
    return tuple(ordered)


def fine_tunes(learning: Collection[str], pretrained: Collection[str], layers: Layers) -> bool:
    """Return whether something learns whose weights were loaded: a block of `pretrained`, or a layer of one."""
    loaded = {*pretrained, *(name for block in pretrained for name in layers.get(block, ()))}
    return not loaded.isdisjoint(learning)
