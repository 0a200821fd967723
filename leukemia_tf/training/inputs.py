"""What a stage trains on: cells into the whole network, or cached features into its trainable tail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import keras
import numpy as np
import tensorflow as tf
from keras import KerasTensor

from leukemia_tf.config import Augmentation
from leukemia_tf.data.balance import Sampling, class_weights
from leukemia_tf.data.datasets import (
    View,
    cached_batches,
    cached_view,
    cell_view,
    drawn_view,
    epoch_views,
    prediction_batches,
    training_batches,
)
from leukemia_tf.data.draws import MIXING
from leukemia_tf.data.fixed_views import count_views
from leukemia_tf.data.step_augmentation import all_in_step
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.fused_steps import fuse_for_steps
from leukemia_tf.models.network import logit_model
from leukemia_tf.training.augmented_steps import augmented_steps
from leukemia_tf.training.devices import has_gpu, on_device
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_cache import TITLE, FeatureStore, SharedFeatures, fits
from leukemia_tf.training.feature_files import FeatureFiles
from leukemia_tf.training.frozen_boundary import frozen_boundary, trainable_tail


@dataclass(frozen=True)
class TrainingInputs:
    """A stage's trainer with what it takes.

    Parameters
    ----------
    trainer : keras.Model
        From its inputs to the logit; shares the network's layers.
    training : callable
        (epoch, batches to skip) -> the epoch's batches.
    validation : callable
        () -> the validation cells, in batches.
    """

    trainer: keras.Model
    training: Callable[[int, int], tf.data.Dataset]
    validation: Callable[[], tf.data.Dataset]


def make_inputs(
    model: keras.Model,
    train: Examples,
    val: Examples,
    sampling: Sampling,
    batch_size: int,
    seed: int,
    cache_features: bool,
    augmentation: Callable[[tf.Tensor], tf.Tensor] | None = None,
    shared: FeatureStore | None = None,
    in_step: bool = False,
    map_dtype: str = "float32",
) -> TrainingInputs:
    """Choose what a stage trains on; a network's `trainable` flags must be set.

    On cached features a cell has few views, drawn once; see `leukemia_tf.data.fixed_views`.

    Parameters
    ----------
    model : keras.Model
        The network.
    train, val : Examples
        Cells of disjoint patients.
    sampling : Sampling
        How training cells are drawn, weighted and augmented.
    batch_size, seed : int
        Cells per step; the seed of every random draw.
    cache_features : bool
        Whether outputs of frozen layers may be cached, if they fit into memory and cells are not mixed.
    augmentation : callable, optional
        The caller's own, behind that of `sampling`: uint8 [n, size, size, 3] -> the same.
    shared : FeatureStore, optional
        Features of these cells and others, as from `shared_features`.
    in_step : bool
        Whether cells are augmented inside the step, on the device that computes it, where that can be.
    map_dtype : str
        The dtype policy of layers that make maps, as from `leukemia_tf.training.devices.map_dtype`.
    """
    counts = (len(train.labels), len(val.labels))
    boundary = cached_boundary(model, sampling, *counts) if cache_features and not augmentation else ()
    if in_step and any(len(tensor.shape) > 2 for tensor in boundary):
        boundary = ()  # maps are copied to a GPU more slowly than it computes them
    if boundary:
        return _cached_inputs(model, boundary, train, val, sampling, batch_size, seed, shared, map_dtype)
    weights, patients = class_weights(train.labels, sampling), train.patients
    in_step = in_step and not augmentation and all_in_step(sampling.augment)
    view = drawn_view(train.cells) if in_step else cell_view(train.cells, sampling.augment)
    if augmentation:
        view = _augmented(view, augmentation)
    return TrainingInputs(
        augmented_steps(model, sampling.augment) if in_step else step_model(model, map_dtype),
        lambda epoch, skip: on_device(
            training_batches(view, train.targets, weights, sampling, batch_size, seed, epoch, skip, patients)
        ),
        lambda: prediction_batches(val.cells, batch_size),
    )


def step_model(model: keras.Model, map_dtype: str) -> keras.Model:
    """Return the network up to its logit: on the same variables, but for a faster copy of the frozen layers.

    Parameters
    ----------
    model : keras.Model
        A network whose layers' `trainable` is set for the stage.
    map_dtype : str
        The dtype policy of layers that make maps, where the network's is float32.
    """
    boundary = () if has_gpu() else frozen_boundary(model)  # a GPU's compiler fuses by itself
    if not boundary:
        return _for_steps(logit_model(model), map_dtype)
    frozen = fuse_batch_normalization(keras.Model(model.input, list(boundary)), map_dtype)
    frozen.trainable = False
    return keras.Model(frozen.input, _for_steps(trainable_tail(model, boundary), map_dtype)(frozen.outputs))


def _for_steps(part: keras.Model, map_dtype: str) -> keras.Model:
    """Return what takes the steps of a part of a network, with maps of that dtype."""
    return part if map_dtype == "float32" else fuse_for_steps(part, map_dtype)


def _cached_inputs(
    model: keras.Model,
    boundary: Sequence[KerasTensor],
    train: Examples,
    val: Examples,
    sampling: Sampling,
    batch_size: int,
    seed: int,
    shared: FeatureStore | None,
    map_dtype: str,
) -> TrainingInputs:
    """Feed the trainable tail from cached features."""
    off = Augmentation(dihedral=False)
    stored = cache(lambda: _feature_stores(model, boundary, map_dtype))  # one frozen network for both

    def features(examples: Examples, augment: Augmentation) -> FeatureStore | SharedFeatures:
        if shared and shared.holds(boundary, examples):
            return SharedFeatures(shared, examples)
        return stored()(examples, augment)

    train_features, val_features = features(train, sampling.augment), features(val, off)
    views = len(train_features.computed)
    view = cached_view(train_features.rows, train_features.row_kinds, views)
    weights, patients = class_weights(train.labels, sampling), train.patients

    def training(epoch: int, skip: int) -> tf.data.Dataset:
        train_features.fill(*epoch_views(train.labels, sampling, seed, epoch, views, patients), TITLE)
        batches = training_batches(view, train.targets, weights, sampling, batch_size, seed, epoch, skip, patients)
        return on_device(batches)

    @cache
    def validation() -> tf.data.Dataset:
        indices = np.arange(len(val.labels))
        val_features.fill(indices, np.zeros_like(indices), "features for validation")
        return cached_batches(val_features.rows(indices, np.zeros_like(indices)), batch_size)

    return TrainingInputs(_for_steps(trainable_tail(model, boundary), map_dtype), training, validation)


def _augmented(view: View, augmentation: Callable[[tf.Tensor], tf.Tensor]) -> View:
    convert = tf.function(augmentation, reduce_retracing=True)  # the caller's may be one for AutoGraph
    return lambda index, draws: convert(view(index, draws))


def cached_boundary(model: keras.Model, sampling: Sampling, train: int, val: int = 0) -> tuple[KerasTensor, ...]:
    """Return the outputs of frozen layers that are cached of so many training and validation cells.

    Empty where cells are mixed, or where the outputs of all views do not fit into memory.
    """
    if any(getattr(sampling.augment, name)[0] > 0 for name in MIXING):
        return ()
    boundary = frozen_boundary(model)
    return boundary if boundary and fits(boundary, count_views(sampling.augment) * train + val) else ()


def shared_features(
    model: keras.Model, examples: Examples, sampling: Sampling, map_dtype: str = "float32"
) -> FeatureStore:
    """Return features of cells that several trainings of the same tail draw their cells from."""
    return _feature_stores(model, frozen_boundary(model), map_dtype)(examples, sampling.augment)


def _feature_stores(
    model: keras.Model, boundary: Sequence[KerasTensor], map_dtype: str
) -> Callable[[Examples, Augmentation], FeatureStore]:
    """Return a function of cells and an augmentation that returns their features at these outputs."""
    prefix = keras.Model(model.input, list(boundary))
    fused = fuse_batch_normalization(prefix, map_dtype)  # faster, and the same features but for rounding
    files = FeatureFiles(fused) if all(len(tensor.shape) == 2 for tensor in boundary) else None
    return lambda examples, augment: FeatureStore(prefix, examples, augment, files, fused)
