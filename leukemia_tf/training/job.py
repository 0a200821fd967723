"""Everything that one training takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_cache import FeatureStore
from leukemia_tf.training.objects import HISTORY, TrainingObjects
from leukemia_tf.training.optimization import OptimizationConfig


@dataclass(frozen=True)
class TrainingJob:
    """What is trained, on what, and where its state goes.

    Parameters
    ----------
    network : Network
        Trained in place.
    examples : callable
        (`train` or `val`, image size) -> Examples of disjoint patients.
    resized : callable
        Image size -> the same network for cells of that size, with weights of its own.
    sampling : Sampling
        How training cells are drawn, weighted and augmented.
    optimization : OptimizationConfig
        Loss and optimizer.
    score : callable
        (labels, probabilities, patients) -> the validation's columns of history.csv, `val_auroc_by_patient` and others.
    batch_size, seed : int
        Cells per step; the seed of every random draw.
    history_path, state_folder : pathlib.Path or None
        history.csv, and the folder of the states that an interrupted training resumes from; None: not written.
    keep : str
        `last`: the last epoch's weights are kept; `best`: those of the lowest `val_loss`.
    cache_features : bool
        Whether outputs of frozen layers may be cached.
    map_dtype : str
        The dtype policy of layers that make maps, as from `leukemia_tf.training.devices.map_dtype`.
    on_epoch : callable
        Called after each epoch with its row of history.csv and the losses of its batches.
    objects : TrainingObjects
        The caller's own optimizer, loss, metrics, callbacks and augmentation.
    shared : FeatureStore, optional
        Features of these cells and others, as from `leukemia_tf.training.inputs.shared_features`.
    out_of_fold : sequence of mapping
        The validation's columns of history.csv for the first epochs, where there are no validation cells.
    """

    network: Network
    examples: Callable[[str, int], Examples]
    resized: Callable[[int], keras.Model]
    sampling: Sampling
    optimization: OptimizationConfig
    score: Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
    batch_size: int
    seed: int
    history_path: Path | None
    state_folder: Path | None
    keep: str = "last"
    cache_features: bool = True
    map_dtype: str = "float32"
    on_epoch: Callable[[dict[str, Any], Sequence[float]], Any] = lambda row, losses: None
    objects: TrainingObjects = field(default_factory=TrainingObjects)
    shared: FeatureStore | None = None
    out_of_fold: Sequence[Mapping[str, float]] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of history.csv; those of the caller's metrics come last."""
        return (*HISTORY, *self.objects.columns)
