"""Whether a run validates on inner folds of its training patients, and their out-of-fold predictions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.core.files import write_atomically
from leukemia_tf.core.timing import timed
from leukemia_tf.data.patient_groups import group_name, groups_by_patient
from leukemia_tf.evaluation.predictions import make_prediction, write_predictions
from leukemia_tf.models.calibration import Calibration
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.inner_folds import caches_features, out_of_fold_scores, share_features, train_inner_folds
from leukemia_tf.training.job import TrainingJob
from leukemia_tf.training.objects import TrainingObjects
from leukemia_tf.training.settings import resolve_sampling
from leukemia_tf.training.setup import TrainingSetup
from leukemia_tf.training.stages import Stage

log = logging.getLogger("leukemia_tf")

FOLDS = 5


def with_inner_folds(
    config: TrainConfig, setup: TrainingSetup, stages: Sequence[Stage], objects: TrainingObjects
) -> TrainingSetup:
    """Return what is set up, with inner folds in place of a validation part where the run has them.

    By default it has them where they are cheap: where the first stage trains the head alone, on cached features.

    Raises
    ------
    ArgumentError
        If inner folds are requested of a run that cannot have them.
    DataError
        If they are requested and a class has too few training patients.
    """
    obstacle = _obstacle(config, setup, stages, objects)
    if config.inner_folds:
        if obstacle:
            raise ArgumentError("inner_folds", config.inner_folds, obstacle)
        return setup.with_inner_folds(config.inner_folds)
    if config.inner_folds == 0 or obstacle or not _is_cheap(config, setup, stages[0]):
        return setup
    try:
        return setup.with_inner_folds(FOLDS)
    except DataError as error:
        log.warning("WARNING: no inner folds, a validation part in their place: %s", error)
        return setup


def _is_cheap(config: TrainConfig, setup: TrainingSetup, first: Stage) -> bool:
    if not setup.network.pretrained or first.learning or config.cache == "none":
        return False
    cells = sum(cell.split in ("train", "val") for cell in setup.prepared.cells)
    return caches_features(setup.network, resolve_sampling(config), first, cells)


def _obstacle(
    config: TrainConfig, setup: TrainingSetup, stages: Sequence[Stage], objects: TrainingObjects
) -> str | None:
    """Return why a run cannot have inner folds; None if it can."""
    split, size = setup.prepared.split, setup.preprocessing.image_size
    if config.refit:
        return "a refit has no validation."
    if split.protocol == "image":
        return "they are of whole patients; `split=image` is not."
    if split.val and config.split not in ("patient", "official"):
        return f"{config.split} names validation patients: leave its `val` empty."
    if config.pseudo_labels:
        return "with `pseudo_labels` the validation patients are those that the labels were predicted without."
    if config.keep == "best" or config.patience:
        return "`keep=best` and `patience` need a validation part: `inner_folds=0`."
    if any(stage.patience or stage.schedule.startswith("plateau") for stage in stages):
        return "a stage with a patience or a plateau needs a validation part: `inner_folds=0`."
    if stages[0].image_size not in (0, size):
        return f"the first stage is at {stages[0].image_size} pixels, the network at {size}."
    if set(objects.names()) - {"head"}:
        return "your own optimizer, loss, metrics, callbacks or augmentation need a validation part: `inner_folds=0`."
    return None


def validate_on_inner_folds(run: RunFolder, job: TrainingJob, setup: TrainingSetup, first: Stage) -> TrainingJob:
    """Predict the training cells out of fold, write predictions-val.csv, and return the job with each epoch's scores.

    What an interrupted run has written is read.
    """
    if run.out_of_fold.is_file():
        logits = np.load(run.out_of_fold, allow_pickle=False)
    else:
        group_of = groups_by_patient(setup.prepared.patient_groups)
        folds = [{group_name(name, group_of) for name in fold} for fold in setup.prepared.split.folds]
        with timed("inner folds"):
            job = replace(job, shared=share_features(job, first))
            logits = train_inner_folds(job, first, folds)
        write_atomically(run.out_of_fold, lambda scratch: np.save(scratch, logits))
    cells = [cell for cell in setup.prepared.cells if cell.split == "train"]
    predictions = [
        make_prediction(cell.path, float(logit), Calibration(), cell.patient, cell.label)
        for cell, logit in zip(cells, logits[-1], strict=True)
    ]
    write_predictions(run.predictions("val"), predictions)
    return replace(job, out_of_fold=out_of_fold_scores(job, logits))
