"""Stages carried out on what was set up; the network of the run's end is written."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.files import write_atomically
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.models.network import load_network
from leukemia_tf.models.probability import get_calibration, set_calibration
from leukemia_tf.runs.open_runs import open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.devices import map_dtype
from leukemia_tf.training.history import kept_text
from leukemia_tf.training.job import TrainingJob
from leukemia_tf.training.logs import epoch_logger
from leukemia_tf.training.objects import TrainingObjects
from leukemia_tf.training.settings import resolve_optimization, resolve_sampling, resolved_batch_size
from leukemia_tf.training.setup import TrainingSetup
from leukemia_tf.training.stage_plans import as_records
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages
from leukemia_tf.workflows.inner_folds import validate_on_inner_folds

log = logging.getLogger("leukemia_tf")


def training_job(
    config: TrainConfig,
    setup: TrainingSetup,
    history: Path,
    states: Path,
    on_epoch: Callable[[dict[str, Any], Sequence[float]], Any],
    objects: TrainingObjects | None = None,
) -> TrainingJob:
    """Return the training of what was set up.

    Parameters
    ----------
    config : TrainConfig
        Resolved.
    setup : TrainingSetup
        Cells and network.
    history, states : pathlib.Path
        Where history.csv and the states of an interrupted training are written.
    on_epoch : callable
        Called with each epoch's row of history.csv and the losses of its batches.
    objects : TrainingObjects, optional
        A caller's own optimizer, loss, metrics, callbacks and augmentation.
    """
    return TrainingJob(
        network=setup.network,
        examples=setup.examples(),
        resized=setup.resized,
        sampling=resolve_sampling(config),
        optimization=resolve_optimization(config),
        score=validation_scores,
        batch_size=resolved_batch_size(config),
        seed=config.seed,
        keep=config.keep,
        history_path=history,
        state_folder=states,
        cache_features=config.cache != "none",
        map_dtype=map_dtype(config.precision),
        on_epoch=on_epoch,
        objects=objects or TrainingObjects(),
    )


def fit(
    run: RunFolder, config: TrainConfig, setup: TrainingSetup, stages: Sequence[Stage], objects: TrainingObjects
) -> None:
    """Train through the stages, and write the network.

    Raises
    ------
    KeyboardInterrupt
        After a Ctrl-C; the state is saved, and the run can resume.
    """
    refitted = load_network(open_run(config.refit).model) if config.refit else None
    on_epoch = epoch_logger(run.batches, run.tensorboard if config.tensorboard else None)
    job = training_job(config, setup, run.history, run.checkpoints, on_epoch, objects)
    try:
        if setup.prepared.split.folds:
            job = validate_on_inner_folds(run, job, setup, stages[0])
        rows = train_stages(job, stages)
    except KeyboardInterrupt:
        log.warning("\nthe state is saved; go on with `python -m leukemia_tf.train --out %s --resume`", run)
        raise
    log.info("%s", kept_text(as_records(stages), rows, config.keep))
    if refitted:
        set_calibration(setup.network.model, get_calibration(refitted))
    write_atomically(run.model, setup.network.model.save)


def validation_scores(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> dict[str, float]:
    """Return the validation's columns of history.csv: int [n], float [n], str [n] -> scores by name."""
    scores = all_metrics(labels, probabilities, patients)
    names = ("auroc", "auroc_by_patient", "accuracy", "f_beta")
    return {f"val_{name}": float(scores[name][0]) for name in names}
