"""The objective of a search: the mean validation score of a configuration over folds of the training patients."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras

from leukemia_tf.config import EngineConfig, TrainConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.data.patient_groups import groups_by_patient
from leukemia_tf.data.prepare import Prepared
from leukemia_tf.data.source import find_source
from leukemia_tf.models.table import find_architecture
from leukemia_tf.runs.parallel import run_tasks
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.setup import build_setup
from leukemia_tf.training.trainer import train_stages
from leukemia_tf.workflows.batch_size import with_batch_size
from leukemia_tf.workflows.fit import training_job
from leukemia_tf.workflows.plan import plan
from leukemia_tf.workflows.resolve import resolve_settings


def search_folds(prepared: Prepared, count: int, seed: int) -> list[Prepared]:
    """Return the training and validation cells, split anew for each fold; cells of the test part are left out.

    Parameters
    ----------
    prepared : Prepared
        Split.
    count, seed : int
        Of the folds; 0: the split's validation part only.
    """
    known = [cell for cell in prepared.cells if cell.split in ("train", "val")]
    if not count:
        if not any(cell.split == "val" for cell in known):
            raise UserError("`folds=0` uses the split's validation part, and it has none: use `folds=3`.")
        return [replace(prepared, cells=tuple(known))]
    folds = []
    for _, val in draw_folds(known, groups_by_patient(prepared.patient_groups), "patient", seed, count):
        held_out = set(val.tolist())
        cells = (replace(cell, split="val" if index in held_out else "train") for index, cell in enumerate(known))
        folds.append(replace(prepared, cells=tuple(cells)))
    return folds


def mean_score(config: TrainConfig, folds: Sequence[Prepared], work: Path, engine: EngineConfig) -> float:
    """Train a configuration on each fold; return the mean AUROC by patient on the folds' `val` parts.

    Parameters
    ----------
    config : TrainConfig
        The configuration.
    folds : sequence of Prepared
        As from `search_folds`.
    work : pathlib.Path
        Folder for training states; it is deleted afterwards.
    engine : EngineConfig
        Where the folds are trained.
    """
    tasks = ((config, prepared, work / f"fold-{number}") for number, prepared in enumerate(folds))
    scores = dict(run_tasks(_score, tasks, engine))
    shutil.rmtree(work, ignore_errors=True)
    return sum(scores[number] for number in range(len(folds))) / len(folds)


def _score(config: TrainConfig, prepared: Prepared, work: Path) -> float:
    """Train a configuration on a fold from the start; return its AUROC by patient on the fold's `val` part."""
    shutil.rmtree(work, ignore_errors=True)
    keras.utils.clear_session()
    config = resolve_settings(config)
    scope, _ = prepare_devices(config.precision, config.devices)
    with scope:
        setup = build_setup(config, find_architecture(config.base), find_source(config.data), prepared)
        config = with_batch_size(config, setup)
        run = RunFolder(work)
        job = training_job(config, setup, run.history, run.checkpoints, lambda row, losses: None)
        rows = train_stages(job, plan(config, setup))
    return float(next(row["val_auroc_by_patient"] for row in rows if row["kept"]))
