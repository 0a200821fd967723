"""What is known of a network before it is built: its blocks, its default heads, where its weights are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leukemia_tf.core.errors import ArgumentError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Block:
    """A named group of a backbone's layers, the unit of truncation and unfreezing.

    Parameters
    ----------
    name : str
        Its name in the table and on the command line.
    last : str
        Its last layer; a block starts behind the last layer of the block before it.
    smallest_size : int
        Smallest side of the input, in pixels, for which its output has at least one pixel.
    explain : str
        The layer that a class-activation map weights if the backbone ends with this block; `last` if empty.
    """

    name: str
    last: str
    smallest_size: int
    explain: str = ""

    def ending_at(self, layer: str) -> Block:
        """Return the block up to one of its layers."""
        return Block(self.name, layer, self.smallest_size)


@dataclass(frozen=True)
class Architecture:
    """One network: a record of the table.

    Parameters
    ----------
    name : str
        Its name: letters, digits, `.`, `_` and `-`.
    constructor : str or callable
        Builds the backbone; `module:function`, or the function itself. It is called as those of `keras.applications`,
        with `include_top=False, weights=None, input_tensor=TENSOR`, and returns a functional `keras.Model`.
    scaling : str
        The input's scale; see `leukemia_tf.models.cell_input`.
    image_size : int
        Default side of the input, in pixels.
    blocks : tuple of Block
        From input to output. Every path from one block to the next leads through `last`.
    parameters, parameters_truncated : int
        Of the backbone without a head, whole and without its last block; 0: `register_architecture` counts them.
    reference : str
        The paper.
    head, cut_head : str
        Names of the reports' heads for the whole and the truncated backbone.
    weights : tuple of str
        File names of ImageNet weights; the published one first.
    url : str
        Folder from which that file can be downloaded; empty if there is none.
    converted : bool
        Whether `leukemia_tf.convert_weights` writes the weights.
    """

    name: str
    constructor: str | Callable[..., keras.Model]
    scaling: str
    image_size: int
    blocks: tuple[Block, ...]
    parameters: int = 0
    parameters_truncated: int = 0
    reference: str = ""
    head: str = "dense256"
    cut_head: str = "dense256"
    weights: tuple[str, ...] = ()
    url: str = ""
    converted: bool = False

    def default_head(self, cut: bool) -> str:
        """Return the name of the head that training puts on the whole or on the truncated backbone."""
        return "multi-depth" if cut and self.weights else self.cut_head if cut else self.head

    def load_constructor(self) -> Callable[..., keras.Model]:
        """Import and return the constructor."""
        return load_object(self.constructor) if isinstance(self.constructor, str) else self.constructor


def load_object(path: str) -> Any:
    """Import `module:name` and return what has that name."""
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def remaining_blocks(architecture: Architecture, drop_blocks: int = 0, cut: str | None = None) -> tuple[Block, ...]:
    """Return a backbone's blocks without the last `drop_blocks`; a `cut` is applied when the backbone is built.

    Raises
    ------
    ArgumentError
        If so many blocks cannot be dropped, or if `cut` is given too.
    """
    blocks = architecture.blocks
    if cut and drop_blocks:
        raise ArgumentError("cut", cut, f"`drop_blocks={drop_blocks}` says where the base ends, too; name one of them.")
    if not 0 <= drop_blocks < len(blocks):
        names = ", ".join(block.name for block in blocks)
        problem = f"{architecture.name} can lose 0 to {len(blocks) - 1} of {names}."
        raise ArgumentError("drop_blocks", drop_blocks, problem)
    return blocks[: len(blocks) - drop_blocks]


def network_name(architecture: Architecture, drop_blocks: int = 0, cut: str | None = None) -> str:
    """Return the name of a network: `resnet50`, `resnet50-cut`, `resnet50-cut2`, `resnet50-to-conv4_block3_out`."""
    if cut:
        return f"{architecture.name}-to-{cut}"
    return architecture.name + ("-cut" + (str(drop_blocks) if drop_blocks > 1 else "") if drop_blocks else "")
