"""A backbone: built, its layers named alike in every process, truncated at a layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import keras
from keras import KerasTensor

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.models.architecture import Architecture, Block, remaining_blocks
from leukemia_tf.models.cell_input import SCALINGS


def build_base(
    architecture: Architecture, scaled: KerasTensor, drop_blocks: int = 0, cut: str | None = None
) -> tuple[keras.Model, tuple[Block, ...]]:
    """Build a backbone with random weights, up to where it is truncated.

    Parameters
    ----------
    architecture : Architecture
        Its record.
    scaled : keras.KerasTensor
        float [n, size, size, 3].
    drop_blocks : int
        How many of its last blocks are left out.
    cut : str, optional
        A layer or a block that it ends at instead.

    Returns
    -------
    tuple
        The backbone, and its blocks.

    Raises
    ------
    ArgumentError
        If it cannot be truncated so, if the image is too small, or if the record names a layer that does not exist.
    """
    blocks = remaining_blocks(architecture, drop_blocks, cut)
    size, enough = scaled.shape[1], architecture.blocks[-1].smallest_size
    entrance = scaled if size >= enough else keras.Input((enough, enough, 3))
    base = architecture.load_constructor()(include_top=False, weights=None, input_tensor=entrance)
    for layer, name in zip(base.layers, plain_names([layer.name for layer in base.layers]), strict=True):
        layer.name = name
    _check_blocks(base, architecture)
    blocks = _cut_blocks(base, blocks, cut)
    last = blocks[-1]
    if size < last.smallest_size:
        problem = f"{architecture.name} up to {last.last} needs {last.smallest_size} pixels or more."
        raise ArgumentError("image_size", size, problem)
    base = keras.Model(entrance, base.get_layer(last.last).output)
    if size < enough:  # only the layers that were left out needed more pixels
        base = keras.models.clone_model(base, input_tensors=scaled)
    return base, blocks


def check_architecture(architecture: Architecture) -> Architecture:
    """Build the backbone of a new record once; return the record, with the parameters counted if it has 0.

    Raises
    ------
    ArgumentError
        If the constructor builds no functional model, or the record names a layer or a scaling that does not exist.
    """
    size, blocks = architecture.image_size, architecture.blocks
    if architecture.scaling not in SCALINGS:
        raise ArgumentError("scaling", architecture.scaling, nearest(architecture.scaling, SCALINGS))
    try:
        whole, _ = build_base(architecture, keras.Input((size, size, 3)))
    except (TypeError, ValueError, AttributeError, ImportError) as error:
        reason = (str(error).splitlines() or [""])[0] or type(error).__name__
        problem = f"called with include_top=False, weights=None, input_tensor=…, it builds no backbone ({reason})."
        raise ArgumentError("constructor", architecture.constructor, problem) from error
    truncated = keras.Model(whole.input, whole.get_layer(blocks[-2 if len(blocks) > 1 else -1].last).output)
    return replace(
        architecture,
        parameters=architecture.parameters or whole.count_params(),
        parameters_truncated=architecture.parameters_truncated or truncated.count_params(),
    )


def plain_names(names: Sequence[str]) -> list[str]:
    """Return layers' names, with Keras's numbers counted from the first layer on: `add_7`, `add_9` -> `add`, `add_1`.

    Keras counts unnamed layers through a whole process. Counted per backbone, blocks and weights files find them.
    """
    kinds = "conv2d|batch_normalization|layer_normalization|add|activation|re_lu"
    numbered = defaultdict(list)
    for name in names:
        if match := re.fullmatch(rf"({kinds})(?:_(\d+))?", name):
            numbered[match[1]].append((int(match[2] or 0), name))
    renamed = {}
    for kind, originals in numbered.items():
        for number, (_, name) in enumerate(sorted(originals)):
            renamed[name] = f"{kind}_{number}" if number else kind
    return [renamed.get(name, name) for name in names]


def _check_blocks(base: keras.Model, architecture: Architecture) -> None:
    """Stop at a record whose blocks name layers that the backbone lacks, or are out of order."""
    order = {layer.name: position for position, layer in enumerate(base.layers)}
    for block in architecture.blocks:
        for name in (block.last, block.explain):
            if name and name not in order:
                problem = f"{architecture.name} has no layer of that name for {block.name}; {nearest(name, order)}"
                raise ArgumentError("blocks", name, problem)
    lasts = [block.last for block in architecture.blocks]
    if sorted(lasts, key=order.__getitem__) != lasts:
        raise ArgumentError("blocks", lasts, f"their last layers are not in {architecture.name}'s order.")


def _cut_blocks(base: keras.Model, blocks: Sequence[Block], cut: str | None) -> tuple[Block, ...]:
    """Return the blocks of a backbone that ends at the layer or block `cut`; all of them if that is None."""
    if not cut:
        return tuple(blocks)
    ends = {block.name: block.last for block in blocks}
    names = [layer.name for layer in base.layers]
    order = {name: position for position, name in enumerate(names[: names.index(blocks[-1].last) + 1])}
    last = ends.get(cut, cut)
    if last not in order:
        raise ArgumentError("cut", cut, f"no such layer; {nearest(cut, [*ends, *order])}")
    if order[last] == 0 or len(base.get_layer(last).output.shape) != 4:
        raise ArgumentError("cut", cut, f"its output is no stack of maps; name a layer of {', '.join(ends)}.")
    before = [block for block in blocks if order[block.last] < order[last]]
    current = blocks[len(before)]
    return (*before, current if current.last == last else current.ending_at(last))
