"""A base: built, its layers named alike in every process, cut at a layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import keras
from keras import KerasTensor

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.models.architecture import Architecture, Block, kept_blocks


def build_base(
    architecture: Architecture, scaled: KerasTensor, drop_blocks: int = 0, cut: str | None = None
) -> tuple[keras.Model, tuple[Block, ...]]:
    """Build a base with random weights up to its cut.

    Parameters
    ----------
    architecture : Architecture
        A record of the table.
    scaled : keras.KerasTensor
        float [n, size, size, 3].
    drop_blocks : int
        How many of its last blocks are left out.
    cut : str, optional
        A layer or a block that it ends at instead.

    Returns
    -------
    tuple
        The base, and its blocks.

    Raises
    ------
    UserError
        If it cannot be cut so, or if the size is too small.
    """
    blocks = kept_blocks(architecture, drop_blocks, cut)
    size, enough = scaled.shape[1], architecture.blocks[-1].smallest_size
    entrance = scaled if size >= enough else keras.Input((enough, enough, 3))
    base = architecture.build_base()(include_top=False, weights=None, input_tensor=entrance)
    for layer, name in zip(base.layers, plain_names([layer.name for layer in base.layers]), strict=True):
        layer.name = name
    blocks = _cut_blocks(base, blocks, cut)
    if size < blocks[-1].smallest_size:
        raise UserError(
            f"--image-size {size}: {architecture.name} up to {blocks[-1].last} needs {blocks[-1].smallest_size} pixels "
            "or more."
        )
    base = keras.Model(entrance, base.get_layer(blocks[-1].last).output)
    if size < enough:  # what has been cut off would not have had a pixel to stand on
        base = keras.models.clone_model(base, input_tensors=scaled)
    return base, blocks


def plain_names(names: Sequence[str]) -> list[str]:
    """Return layers' names with those that Keras made up counted anew: `add_7`, `add_9` -> `add`, `add_1`.

    Keras counts the layers that its networks leave unnamed through a whole process: here they count from the base's
    first, so that blocks and weights files find them.
    """
    kinds = "conv2d|batch_normalization|layer_normalization|add|activation|re_lu"
    made_up = defaultdict(list)
    for name in names:
        if match := re.fullmatch(rf"({kinds})(?:_(\d+))?", name):
            made_up[match[1]].append((int(match[2] or 0), name))
    renamed = {}
    for kind, found in made_up.items():
        for number, (_, name) in enumerate(sorted(found)):
            renamed[name] = f"{kind}_{number}" if number else kind
    return [renamed.get(name, name) for name in names]


def _cut_blocks(base: keras.Model, blocks: Sequence[Block], cut: str | None) -> tuple[Block, ...]:
    """Return the blocks of a base that ends at the layer or block `cut`; all of them if that is None."""
    if not cut:
        return tuple(blocks)
    ends = {block.name: block.last for block in blocks}
    order = {layer.name: place for place, layer in enumerate(base.layers)}
    last = ends.get(cut, cut)
    if last not in order:
        raise UserError(f"--cut {cut}: no such layer; {nearest(cut, [*ends, *order])}")
    if order[last] == 0 or len(base.get_layer(last).output.shape) != 4:
        raise UserError(f"--cut {cut}: its output is no stack of maps; name a layer of {', '.join(ends)}.")
    before = [block for block in blocks if order[block.last] < order[last]]
    current = blocks[len(before)]
    if current.last == last:
        return (*before, current)
    return (*before, current.ending_at(last))
