"""What a stage's steps are fed: cells into the whole network, or a frozen base's kept outputs into the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import keras
import numpy as np

from leukemia_tf.data.augment import TRANSFORMS
from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.pipeline import (
    cell_view,
    epoch_views,
    kept_batches,
    kept_view,
    prediction_batches,
    training_batches,
)
from leukemia_tf.models.network import LOGIT, logit_model
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_files import FeatureFiles
from leukemia_tf.training.feature_store import FeatureStore, fits
from leukemia_tf.training.frozen import Moving, frontier

VIEWS = 8  # dihedral


@dataclass(frozen=True)
class Feed:
    """A stage's trainer with what it takes.

    Parameters
    ----------
    trainer : keras.Model
        From what is fed to the logit; shares the network's layers.
    training : callable
        (epoch, batches left out at the beginning) -> the epoch's batches.
    validation : callable
        () -> the validation cells, in batches.
    """

    trainer: keras.Model
    training: Callable[[int, int], object]
    validation: Callable[[], object]


def make_feed(
    model: keras.Model,
    train: Examples,
    val: Examples,
    sampling: Sampling,
    batch_size: int,
    seed: int,
    keep: bool,
) -> Feed:
    """Choose what a stage is fed; a network's `trainable` flags must be set.

    Parameters
    ----------
    model : keras.Model
        The network.
    train, val : Examples
        Cells of disjoint patients.
    sampling : Sampling
        How training cells are drawn, weighed and varied.
    batch_size, seed : int
        Cells a step; what every random draw depends on.
    keep : bool
        Whether outputs of what is frozen may be kept, if they fit into memory and the views of a cell are few.
    """
    weights = cell_weights(train.labels, train.patients, sampling)
    drawn = (train.targets, weights, sampling, batch_size, seed)
    edge = frontier(model) if keep else ()
    views = VIEWS if sampling.augment.dihedral else 1
    if edge and not _many_views(sampling) and fits(edge, views * len(train.labels) + len(val.labels)):
        prefix = keras.Model(model.input, list(edge))
        files = FeatureFiles(prefix) if all(len(tensor.shape) == 2 for tensor in edge) else None
        kept, kept_val = FeatureStore(prefix, train, views, files), FeatureStore(prefix, val, 1, files)
        view = kept_view(kept.rows, kept.row_kinds, views)

        def training(epoch: int, first: int) -> object:
            kept.fill(*epoch_views(train.labels, sampling, seed, epoch), "features of the frozen layers")
            return training_batches(view, *drawn, epoch, first)

        @cache
        def validation() -> object:
            everything = np.arange(len(val.labels))
            kept_val.fill(everything, np.zeros_like(everything), "features for validation")
            return kept_batches([array[0] for array in kept_val.arrays], batch_size)

        return Feed(Moving(edge, model.get_layer(LOGIT).output), training, validation)
    view = cell_view(train.cells, sampling)
    return Feed(
        logit_model(model),
        lambda epoch, first: training_batches(view, *drawn, epoch, first),
        lambda: prediction_batches(val.cells, batch_size),
    )


def _many_views(sampling: Sampling) -> bool:
    """Return whether a cell looks different each time, so that nothing can be kept."""
    return any(getattr(sampling.augment, name)[0] > 0 for name in TRANSFORMS if name != "dihedral")
