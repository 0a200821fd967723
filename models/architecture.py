"""What is known of a network before it is built: its blocks, its head, where its weights are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from leukemia_tf.errors import UserError


@dataclass(frozen=True)
class Block:
    """A named group of a base's layers, the unit of cutting and unfreezing.

    Parameters
    ----------
    name : str
        What users call it.
    last : str
        Its last layer; the block begins after the previous block's last layer.
    smallest_size : int
        Smallest side of the input, in pixels, of which a whole pixel is left behind this block.
    explain : str
        The layer whose maps a heat map weighs when the base ends with this block; `last` if empty.
    texture : str
        The layer that a head of fine maps reads in this block's place, the end of its first unit; `last` if empty.
    """

    name: str
    last: str
    smallest_size: int
    explain: str = ""
    texture: str = ""

    def ending_at(self, layer: str) -> Block:
        """Return the block up to one of its layers."""
        return Block(self.name, layer, self.smallest_size)


@dataclass(frozen=True)
class Architecture:
    """One network.

    Parameters
    ----------
    name : str
        What users call it.
    constructor : str
        `module:function` that builds the base on `input_tensor`.
    scaling : str
        The input's scale; see `leukemia_tf.models.cell_input`.
    image_size : int
        Default side of the input, in pixels.
    blocks : tuple of Block
        From input to output; `--drop-last-block` leaves out the last one.
    parameters, parameters_truncated : int
        Of the base without a head, whole and without its last block.
    reference : str
        The paper.
    head, cut_head : str
        Names of the heads that the reports put on the whole and on the cut base.
    weights : tuple of str
        File names under which ImageNet weights are known; the published one first.
    address : str
        Where that file can be downloaded, without its name; empty where nowhere.
    converted : bool
        Whether the weights come out of `leukemia_tf.convert_weights`.
    """

    name: str
    constructor: str
    scaling: str
    image_size: int
    blocks: tuple[Block, ...]
    parameters: int
    parameters_truncated: int
    reference: str
    head: str = "dense256"
    cut_head: str = "dense256"
    weights: tuple[str, ...] = ()
    address: str = ""
    converted: bool = False

    def default_head(self, cut: bool) -> str:
        """Return the name of the head that a training puts on the whole or on the cut base."""
        return "texture" if cut and self.weights else self.cut_head if cut else self.head

    def build_base(self) -> Callable:
        """Import and return the constructor."""
        module, function = self.constructor.split(":")
        return getattr(importlib.import_module(module), function)


def kept_blocks(architecture: Architecture, drop_blocks: int = 0, cut: str | None = None) -> tuple[Block, ...]:
    """Return the blocks of a base that stay, from input to output; a `cut` is made when the base is built.

    Raises
    ------
    UserError
        If so many blocks cannot be dropped, or if a base is cut in two ways.
    """
    blocks = architecture.blocks
    if cut and drop_blocks:
        raise UserError(f"--cut {cut} and --drop-blocks {drop_blocks}: both say where the base ends; name one.")
    if not 0 <= drop_blocks < len(blocks):
        names = ", ".join(block.name for block in blocks)
        raise UserError(f"--drop-blocks {drop_blocks}: {architecture.name} can lose 0 to {len(blocks) - 1} of {names}.")
    return blocks[: len(blocks) - drop_blocks]


def network_name(architecture: Architecture, drop_blocks: int = 0, cut: str | None = None) -> str:
    """Return the name of a network: `resnet50`, `resnet50-cut`, `resnet50-cut2`, `resnet50-to-conv4_block3_out`."""
    if cut:
        return f"{architecture.name}-to-{cut}"
    return architecture.name + ("-cut" + (str(drop_blocks) if drop_blocks > 1 else "") if drop_blocks else "")
