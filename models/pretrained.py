"""A network ready to be trained: built, and given the weights that were asked for."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import keras

from leukemia_tf.errors import WeightsError
from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.head import Head
from leukemia_tf.models.network import blocks_of, build_network
from leukemia_tf.models.weights import Loaded, load_file, load_imagenet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Network:
    """A network with what is known of its base.

    Parameters
    ----------
    model : keras.Model
        From cells to a probability.
    blocks : tuple of Block
        Of the base, from input to output.
    loaded : Loaded or None
        What a weights file gave; None if every layer starts at random.
    """

    model: keras.Model
    blocks: tuple[Block, ...]
    loaded: Loaded | None

    @property
    def pretrained(self) -> tuple[str, ...]:
        """Names of the blocks whose weights were loaded."""
        return self.loaded.blocks if self.loaded else ()


def build_pretrained(
    architecture: Architecture,
    drop_blocks: int,
    preprocessing: dict,
    weights: str,
    seed: int,
    must: bool = True,
    head: Head | None = None,
    cut: str | None = None,
) -> Network:
    """Build a network and load its weights, and log what was had.

    Parameters
    ----------
    architecture : Architecture
        The base's record.
    drop_blocks : int
        How many of the base's last blocks are left out.
    preprocessing : dict
        Settings that travel with the network; `image_size` (pixels) among them gives the input's side.
    weights : str
        `imagenet`, `none`, or the path of a file.
    seed : int
        Of the random weights.
    must : bool
        Whether to stop if ImageNet weights cannot be had; otherwise this says so loudly and goes on without.
    head : Head, optional
        By default the architecture's own.
    cut : str, optional
        A layer or block that the base ends at instead.

    Raises
    ------
    WeightsError
        If the weights cannot be had or do not fit.
    UserError
        If the network cannot be built so.
    """
    keras.utils.set_random_seed(seed)
    model = build_network(architecture, drop_blocks, preprocessing, head, cut)
    blocks = blocks_of(model)
    size = f"{preprocessing['image_size']} x {preprocessing['image_size']}"
    log.info("\nnetwork: %s, %s parameters, cells of %s pixels", model.name, f"{model.count_params():,}", size)
    if head and head.coarsest:
        told = ", ".join(block.name for block in blocks)
        log.info("the head looks at fine maps alone: of the base, %s are left in the network", told)
    if weights == "none" or (weights == "imagenet" and not architecture.weights):
        log.info("weights: none; every layer trains from the start")
        return Network(model, blocks, None)
    try:
        loaded = (
            load_imagenet(model, architecture, blocks)
            if weights == "imagenet"
            else load_file(model, blocks, Path(weights))
        )
    except WeightsError as error:
        if must or weights != "imagenet":
            raise
        log.warning("\nWARNING: training starts from RANDOM weights, for %s\n", error)
        return Network(model, blocks, None)
    told = f"{loaded.parameters:,} parameters in {loaded.layers} layers"
    log.info("weights: %s, all of %s, from %s", told, ", ".join(loaded.blocks) or "no block", loaded.source)
    if loaded.random:
        log.warning("WARNING: %d layers stay RANDOM: %s …", len(loaded.random), ", ".join(loaded.random[:3]))
    return Network(model, blocks, loaded)
