"""From settings to cells and a network, ready for a training or a range test."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

import keras

from leukemia_tf.config import SetupConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.data.prepare import Prepared, prepare_cells
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.source import Source, find_source
from leukemia_tf.models.architecture import Architecture
from leukemia_tf.models.heads import Head, HeadFunction, as_head
from leukemia_tf.models.network import build_network
from leukemia_tf.models.pretrained import Network, build_pretrained
from leukemia_tf.models.table import find_architecture
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.examples import Examples, load_examples
from leukemia_tf.training.settings import default_size, dropped_blocks, resolve_head

log = logging.getLogger("leukemia_tf")


@dataclass(frozen=True)
class TrainingSetup:
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
    preprocessing : Preprocessing
        How an image becomes a cell.
    network : Network
        With the requested weights.
    config : SetupConfig
        The settings.
    """

    architecture: Architecture
    head: Head
    source: Source
    prepared: Prepared
    preprocessing: Preprocessing
    network: Network
    config: SetupConfig

    def examples(self) -> Callable[[str, int], Examples]:
        """Return a function of a part and an image size that reads the cells, and caches those of the last size."""

        @lru_cache(maxsize=2)
        def load(part: str, size: int) -> Examples:
            preprocessing = replace(self.preprocessing, image_size=size)
            prepared = self.prepared
            return load_examples(
                self.source.folder, prepared.cells, part, preprocessing, self.config.cache, prepared.patient_groups
            )

        return load

    def with_inner_folds(self, count: int) -> TrainingSetup:
        """Return it with so many folds of the training and validation patients in place of a validation part."""
        return replace(self, prepared=self.prepared.with_inner_folds(count))

    def resized(self, size: int) -> keras.Model:
        """Return the same network for cells of another size, its weights at random.

        Raises
        ------
        UserError
            If the network cannot take that size, or its weights depend on it.
        """
        if self.head.pooling == "flatten":
            raise UserError(
                f"{size} pixels: the weights of a head that flattens depend on the size: take `pooling=mean`."
            )
        preprocessing = {**asdict(self.preprocessing), "image_size": size}
        return build_network(self.architecture, dropped_blocks(self.config), preprocessing, self.head, self.config.cut)


def read_training_cells(config: SetupConfig) -> tuple[Architecture, Source, Prepared]:
    """Read the cells.

    Parameters
    ----------
    config : SetupConfig
        Resolved.

    Returns
    -------
    tuple
        The base's record, where the cells lie, and the cells, split.

    Raises
    ------
    UserError
        For settings and cells that cannot be used.
    """
    source = find_source(config.data)
    log.info("%s", source)
    prepared = prepare_cells(
        source.folder,
        config.split,
        config.seed,
        config.on_bad_image,
        config.pseudo_labels,
        config.cnmc_doubles,
        config,
    )
    return find_architecture(config.base), source, prepared


def build_setup(
    config: SetupConfig,
    architecture: Architecture,
    source: Source,
    prepared: Prepared,
    head: HeadFunction | None = None,
) -> TrainingSetup:
    """Build the network, and put it beside the cells.

    Parameters
    ----------
    config : SetupConfig
        Resolved.
    architecture, source, prepared : Architecture, Source, Prepared
        As from `read_training_cells`.
    head : callable, optional
        The caller's own head instead of the config's; see `build_network`.

    Raises
    ------
    UserError
        If it cannot be built so, or its weights cannot be loaded.
    """
    chosen = as_head(head) if head else resolve_head(config, architecture)
    size = config.image_size or default_size(architecture, chosen, config.framing, source.embedded)
    preprocessing = Preprocessing(
        size, config.framing, config.contrast, config.stain_normalization, config.register_channels
    )
    network = build_pretrained(
        architecture,
        dropped_blocks(config),
        asdict(preprocessing),
        config.weights,
        config.seed,
        required=not source.embedded,
        head=chosen,
        cut=config.cut,
        start=RunFolder(config.from_).model if config.from_ else None,
    )
    if config.train_batchnorm and network.folded:
        log.warning(
            "WARNING: the weights have folded %d BatchNormalizations into the layers before them (%s …): these stay "
            "fixed",
            len(network.folded),
            network.folded[0],
        )
    chosen = replace(chosen, depths=min(chosen.depths, len(network.blocks)))
    return TrainingSetup(architecture, chosen, source, prepared, preprocessing, network, config)
