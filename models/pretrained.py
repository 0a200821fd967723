"""A network ready for training: built, with the weights that were requested."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import keras

from leukemia_tf.core.errors import WeightsError
from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.description import blocks_of, description_of
from leukemia_tf.models.heads import Head, HeadFunction
from leukemia_tf.models.network import build_network, load_network
from leukemia_tf.models.weights import LoadedWeights, load_file, load_imagenet, load_trained

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Network:
    """A network, its blocks, and what weights were loaded.

    Parameters
    ----------
    model : keras.Model
        From cells to a probability.
    blocks : tuple of Block
        Of the backbone, from input to output.
    loaded : LoadedWeights or None
        None if every layer starts at random.
    stands_in : bool
        Whether random weights stand in for ImageNet's: they are frozen and unfrozen as those would be.
    """

    model: keras.Model
    blocks: tuple[Block, ...]
    loaded: LoadedWeights | None
    stands_in: bool = False

    @property
    def pretrained(self) -> tuple[str, ...]:
        """Names of the blocks whose weights were loaded, or that stand in for such."""
        if self.stands_in:
            return tuple(block.name for block in self.blocks)
        return self.loaded.blocks if self.loaded else ()

    @property
    def folded(self) -> tuple[str, ...]:
        """Names of the BatchNormalizations that the loaded weights have folded into the layers before them."""
        return self.loaded.folded if self.loaded else ()


def build_pretrained(
    architecture: Architecture,
    drop_blocks: int,
    preprocessing: dict,
    weights: str,
    seed: int,
    required: bool = True,
    head: Head | HeadFunction | None = None,
    cut: str | None = None,
    start: Path | None = None,
) -> Network:
    """Build a network, load its weights, and log what was loaded.

    Parameters
    ----------
    architecture : Architecture
        The backbone's record.
    drop_blocks : int
        How many of its last blocks are left out.
    preprocessing : dict
        Settings that travel with the network; `image_size` (pixels) among them gives the input's side.
    weights : str
        `imagenet`, `none`, or the path of a file.
    seed : int
        Of the random weights.
    required : bool
        Whether to stop if ImageNet weights cannot be had; otherwise warn, and random weights stand in for them.
    head : Head or callable, optional
        As `build_network` takes it; by default the architecture's own.
    cut : str, optional
        A layer or block that the backbone ends at instead.
    start : pathlib.Path, optional
        A trained network of the same kind, whose weights are taken in place of `weights`, the head's too.

    Raises
    ------
    WeightsError
        If the weights cannot be had or do not fit.
    ArgumentError
        If the network cannot be built so.
    """
    keras.utils.set_random_seed(seed)
    model = build_network(architecture, drop_blocks, preprocessing, head, cut)
    blocks = blocks_of(model)
    size = f"{preprocessing['image_size']} x {preprocessing['image_size']}"
    log.info("\nnetwork: %s, %s parameters, cells of %s pixels", model.name, f"{model.count_params():,}", size)
    described = description_of(model)["head"]
    ends = ", ".join(block.last for block in blocks[-described["depths"] :])
    log.info("head: %s pooling of %s", described["pooling"], ends)
    if start:
        loaded = load_trained(model, blocks, load_network(start), start)
        log.info("weights: %s parameters, the head's too, from %s", f"{loaded.parameters:,}", start)
        return Network(model, blocks, loaded)
    if weights == "none" or (weights == "imagenet" and not architecture.weights):
        log.info("weights: none; every layer trains from random weights")
        return Network(model, blocks, None)
    try:
        loaded = (
            load_imagenet(model, architecture, blocks)
            if weights == "imagenet"
            else load_file(model, blocks, Path(weights))
        )
    except WeightsError as error:
        if required or weights != "imagenet":
            raise
        log.warning("\nWARNING: RANDOM weights stand in for ImageNet's, for %s\n", error)
        return Network(model, blocks, None, stands_in=True)
    _log_weights(loaded)
    return Network(model, blocks, loaded)


def _log_weights(loaded: LoadedWeights) -> None:
    count, blocks = f"{loaded.parameters:,} parameters in {loaded.layers} layers", ", ".join(loaded.blocks)
    log.info("weights: %s, all of %s, from %s", count, blocks or "no block", loaded.source)
    if loaded.random:
        log.warning("WARNING: %d layers stay RANDOM: %s …", len(loaded.random), ", ".join(loaded.random[:3]))
