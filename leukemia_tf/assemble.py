"""From what a command is asked to cells and a network: what `train` and `lrfind` share."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from leukemia_tf.config import SetupConfig
from leukemia_tf.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from leukemia_tf.data.balance import Sampling
    from leukemia_tf.data.prepare import Prepared
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.data.source import Source
    from leukemia_tf.models.architecture import Architecture
    from leukemia_tf.models.head import Head
    from leukemia_tf.models.pretrained import Network
    from leukemia_tf.training.examples import Examples
    from leukemia_tf.training.steps import Step

log = logging.getLogger("leukemia_tf")

EMBEDDED_SIZE = 96  # pixels: enough for the phantom cells, and minutes on two cores


@dataclass(frozen=True)
class Assembled:
    """Cells and a network, ready for a training.

    Parameters
    ----------
    architecture : Architecture
        The base's record.
    head : Head
        The classifier on it.
    source : Source
        Where the cells lie.
    prepared : Prepared
        The cells, split.
    settings : Preprocessing
        How a picture becomes a cell.
    network : Network
        With the weights that were asked for.
    config : SetupConfig
        What was asked.
    """

    architecture: Architecture
    head: Head
    source: Source
    prepared: Prepared
    settings: Preprocessing
    network: Network
    config: SetupConfig

    def examples(self) -> Callable[[str, int], Examples]:
        """Return a function of a part and an image size that reads the cells, and remembers those of the last size."""
        from leukemia_tf.training.examples import load_examples

        @lru_cache(maxsize=2)
        def load(part: str, size: int) -> Examples:
            settings = replace(self.settings, image_size=size)
            return load_examples(self.source.folder, self.prepared.cells, part, settings, self.config.cache)

        return load

    def resized(self, size: int) -> keras.Model:
        """Return the same network for cells of another size, its weights at random.

        Raises
        ------
        UserError
            If the network cannot take that size, or its weights depend on it.
        """
        from leukemia_tf.models.network import build_network

        if self.head.pooling == "flatten":
            raise UserError(f"{size} pixels: a head that flattens has other weights at each size: take --pooling mean.")
        preprocessing = {**asdict(self.settings), "image_size": size}
        return build_network(self.architecture, drop_blocks_of(self.config), preprocessing, self.head, self.config.cut)


def check_setup(config: SetupConfig, architecture: Architecture) -> None:
    """Stop at flags that cannot be, before anything is read.

    Raises
    ------
    UserError
        That says which flag.
    """
    from leukemia_tf.data.prepare import check_policy
    from leukemia_tf.data.settings import Preprocessing, check_cache
    from leukemia_tf.models.architecture import kept_blocks
    from leukemia_tf.training.devices import check_devices

    for flag in ("image_size", "batch_size"):
        check_count(flag, getattr(config, flag))
    kept_blocks(architecture, drop_blocks_of(config), config.cut)
    head_of(config, architecture)
    check_policy(config.on_bad_image)
    sampling_of(config)
    step_of(config)
    Preprocessing(1, config.framing, config.contrast)
    check_cache(config.cache)
    check_devices(config.precision, config.devices)


def read_setup(config: SetupConfig) -> tuple[Architecture, Source, Prepared]:
    """Check what is asked, and read the cells: the base's record, where the cells lie, and the cells, split.

    Raises
    ------
    UserError
        For what the user can mend: flags, cells.
    """
    from leukemia_tf.data.prepare import prepare_cells
    from leukemia_tf.data.source import find_source
    from leukemia_tf.models.table import find_architecture

    architecture = find_architecture(config.base)
    check_setup(config, architecture)
    source = find_source(config.data)
    log.info("%s", source)
    asked = (config.split, config.seed, config.on_bad_image, config.pseudo_labels)
    return architecture, source, prepare_cells(source.folder, *asked)


def check_count(flag: str, value: int | None, least: int = 1) -> None:
    """Stop at a number below the least."""
    if value is not None and value < least:
        raise UserError(f"--{flag.replace('_', '-')} {value}: it takes a number of {least} or more.")


def assemble(config: SetupConfig, architecture: Architecture, source: Source, prepared: Prepared) -> Assembled:
    """Build the network that a command is asked for.

    Raises
    ------
    UserError
        If it cannot be built so, or its weights cannot be had.
    """
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.models.pretrained import build_pretrained

    size = config.image_size or default_size(architecture, config.framing, source.embedded)
    settings = Preprocessing(size, config.framing, config.contrast)
    head = head_of(config, architecture)
    asked = (drop_blocks_of(config), asdict(settings), config.weights, config.seed)
    network = build_pretrained(architecture, *asked, must=not source.embedded, head=head, cut=config.cut)
    return Assembled(architecture, head, source, prepared, settings, network, config)


def drop_blocks_of(config: SetupConfig) -> int:
    """Return how many of the base's blocks a run leaves out."""
    return config.drop_blocks or int(config.drop_last_block)


def head_of(config: SetupConfig, architecture: Architecture) -> Head:
    """Return the head that a run puts on its base."""
    from leukemia_tf.models.head import find_head

    own = architecture.default_head(bool(drop_blocks_of(config) or config.cut))
    changes = {name: getattr(config, name) for name in ("pooling", "depths", "units", "dropout", "dropout_before")}
    return find_head(config.head or own, **changes)


def sampling_of(config: SetupConfig) -> Sampling:
    """Return how a run draws, weighs and varies its training cells."""
    from leukemia_tf.data.balance import Sampling
    from leukemia_tf.models.table import find_architecture

    augment = config.augment
    if augment.dihedral is None:
        augment = replace(augment, dihedral=config.weights == "none" or not find_architecture(config.base).weights)
    return Sampling(config.balance, config.multiply, config.patient_weight, augment)


def step_of(config: SetupConfig) -> Step:
    """Return what a run's step does with a batch."""
    from leukemia_tf.training.steps import Step

    ema = getattr(config, "ema", 0.0)
    return Step(config.optimizer, config.loss, config.label_smoothing, config.weight_decay, config.clip, ema)


def default_size(architecture: Architecture, framing: str, embedded: bool) -> int:
    """Return the input's side where nobody says: a fixed frame is not scaled, if the base takes any size."""
    from leukemia_tf.data.settings import parse_framing

    if embedded:
        return max(EMBEDDED_SIZE, architecture.blocks[-1].smallest_size)
    kind, side = parse_framing(framing)
    return side if kind == "fixed" and architecture.weights else architecture.image_size
