"""Inner folds: each training patient predicted by a network that was trained on the other training patients."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.network import preprocessing_of
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.checkpoints import assign, network_variables
from leukemia_tf.training.epochs import validation_columns
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.feature_cache import FeatureStore
from leukemia_tf.training.inputs import cached_boundary, shared_features
from leukemia_tf.training.job import TrainingJob
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages


def caches_features(network: Network, sampling: Sampling, stage: Stage, cells: int) -> bool:
    """Return whether a stage can train on cached features of so many cells; sets the network's `trainable` flags."""
    set_trainable(
        network.model, network.blocks, stage.learning, network.pretrained, stage.train_batchnorm, network.folded
    )
    return bool(cached_boundary(network.model, sampling, cells))


def share_features(job: TrainingJob, stage: Stage) -> FeatureStore | None:
    """Return the cached features that all inner folds and the stage itself draw from; None where none are cached."""
    train = _training_cells(job)
    if not job.cache_features or not caches_features(job.network, job.sampling, stage, len(train.labels)):
        return None
    shared = shared_features(job.network.model, train, job.sampling, job.map_dtype)
    if stage.epochs >= len(shared.computed):  # nearly every view of every cell will be drawn
        shared.fill_all()
    return shared


def _training_cells(job: TrainingJob) -> Examples:
    return job.examples("train", preprocessing_of(job.network.model)["image_size"])


def train_inner_folds(job: TrainingJob, stage: Stage, folds: Sequence[Collection[str]]) -> np.ndarray:
    """Train a stage once for each fold, on the other folds' cells; the network is left as it was.

    Parameters
    ----------
    job : TrainingJob
        Whose training cells are all patients'; its network has its first weights.
    stage : Stage
        Its first.
    folds : sequence of collection of str
        Patient groups; each of the training cells is in one.

    Returns
    -------
    numpy.ndarray
        float64 [epochs, n]: the logit of each training cell after each epoch, out of fold.
    """
    model, whole = job.network.model, _training_cells(job)
    first = [variable.numpy() for variable in network_variables(model)]
    logits = np.full((stage.epochs, len(whole.labels)), np.nan)
    for number, patients in enumerate(folds, start=1):
        held_out = np.isin(whole.patients, list(patients))
        logits[:, held_out] = _train_fold(job, replace(stage, name=f"inner fold {number} of {len(folds)}"), held_out)
        assign(network_variables(model), first)
    return logits


def _train_fold(job: TrainingJob, stage: Stage, held_out: np.ndarray) -> np.ndarray:
    """Return the logits of the cells that are held out after each epoch: float64 [epochs, k]."""
    whole = _training_cells(job)
    parts = {"train": whole.select(~held_out), "val": whole.select(held_out)}
    by_epoch: list[np.ndarray] = []

    def examples(part: str, size: int) -> Examples:
        return parts[part]

    def collect(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> dict[str, float]:
        certain = np.clip(probabilities, 1e-15, 1 - 1e-15)
        by_epoch.append(np.log(certain) - np.log1p(-certain))
        return {}

    quiet = replace(job, examples=examples, score=collect, history_path=None, state_folder=None, on_epoch=_nothing)
    train_stages(quiet, [stage])
    return np.stack(by_epoch)


def _nothing(row: object, losses: object) -> None:
    return


def out_of_fold_scores(job: TrainingJob, logits: np.ndarray) -> list[dict[str, float]]:
    """Return the validation's columns of history.csv for each epoch: float [epochs, n], as from `train_inner_folds`."""
    whole = _training_cells(job)
    return [validation_columns(job, whole, row) for row in logits]
