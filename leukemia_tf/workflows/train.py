"""From cells to a trained network, evaluated on patients it has never seen."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from typing import Any

import keras

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.locks import locked
from leukemia_tf.core.timing import collecting_time, time_text, timed
from leukemia_tf.data.prepare import log_split
from leukemia_tf.data.scan import quarantine
from leukemia_tf.data.splits import read_split
from leukemia_tf.models.architecture import Architecture, network_name
from leukemia_tf.runs.open_runs import new_run_path, open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.objects import TrainingObjects
from leukemia_tf.training.refit import copy_scores
from leukemia_tf.training.resume import read_planned_stages
from leukemia_tf.training.settings import dropped_blocks
from leukemia_tf.training.setup import TrainingSetup, build_setup, read_training_cells
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.start import check_same_cells, write_run_start
from leukemia_tf.workflows.batch_size import with_batch_size
from leukemia_tf.workflows.evaluate_run import evaluate_run
from leukemia_tf.workflows.fit import fit
from leukemia_tf.workflows.inner_folds import with_inner_folds
from leukemia_tf.workflows.plan import plan
from leukemia_tf.workflows.resolve import resolve
from leukemia_tf.workflows.seen_pictures import check_unseen
from leukemia_tf.workflows.show_scores import show_scores

log = logging.getLogger("leukemia_tf")


def train(requested: TrainConfig, **own: Any) -> RunFolder:
    """Run the command `train`; see `leukemia_tf.train.train`. The caller's own objects are those of TrainingObjects."""
    config, objects = resolve(requested), TrainingObjects(**own)
    with collecting_time() as seconds:
        run, metrics = _train(requested, config, objects)
    show_scores(run, metrics)
    log.info("time: %s", time_text(seconds))
    return run


def _train(requested: TrainConfig, config: TrainConfig, objects: TrainingObjects) -> tuple[RunFolder, dict[str, Any]]:
    """Return the finished run and its metrics."""
    with timed("reading the cells"):
        architecture, source, prepared = read_training_cells(config)
    scope, computed_on = prepare_devices(config.precision, config.devices)
    with scope, locked(config.out):
        with timed("building the network"):
            setup = build_setup(config, architecture, source, prepared, objects.head)
        config = with_batch_size(config, setup)
        run, setup, stages = _start(requested, config, setup, computed_on, objects)
        if prepared.rejected and config.on_bad_image == "quarantine":
            log.warning("the bad images were moved to %s", quarantine(source.folder, prepared.rejected))
        log_split(setup.prepared)
        log.info("run folder: %s", run)
        log.info("stages:\n%s\n", "\n".join(f"  {stage}" for stage in stages))
        if not run.model.is_file():
            fit(run, config, setup, stages, objects)
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    return run, _evaluate(run, config, setup)


def train_once(config: TrainConfig) -> RunFolder:
    """Train the run in `config.out`, resume it, or find it finished."""
    if config.out is None:
        raise ValueError(f"`out` must name the run's folder. Received: {config}")
    run = RunFolder(config.out)
    if run.metrics.is_file():
        log.info("finished already: %s", run)
        return run
    keras.utils.clear_session()
    return train(replace(config, resume=run.config.is_file()))


def _start(
    requested: TrainConfig,
    config: TrainConfig,
    setup: TrainingSetup,
    computed_on: dict[str, Any],
    objects: TrainingObjects,
) -> tuple[RunFolder, TrainingSetup, tuple[Stage, ...]]:
    """Return the run's folder, its cells and its stages: those of the interrupted run, or new ones, written down."""
    if config.resume and config.out:
        run = open_run(config.out)
        folds = read_split(run.splits).folds
        setup = setup.with_inner_folds(len(folds)) if folds else setup
        check_same_cells(run, setup.source, setup.prepared)
        objects.check_resumable(run)
        return run, setup, read_planned_stages(run)
    stages, name = plan(config, setup), _name(config, setup.architecture)
    setup = with_inner_folds(config, setup, stages, objects)
    if config.from_ and not config.refit:
        _check_start(open_run(config.from_), setup)
    run = RunFolder(config.out or new_run_path(name))
    write_run_start(run, requested, config, name, setup, stages, computed_on, objects)
    return run, setup, stages


def _check_start(run: RunFolder, setup: TrainingSetup) -> None:
    """Stop if the network that a training starts from has seen a picture that is to validate or test it."""
    prepared = setup.prepared
    parts = ("train", "val", "test") if prepared.split.folds else ("val", "test")
    pictures = [cell for cell in prepared.cells if cell.split in parts]
    check_unseen(run, setup.source.folder, pictures, prepared.fingerprints)


def _name(config: TrainConfig, architecture: Architecture) -> str:
    """Return the network's name; a refit and a leaking split are part of it."""
    mark = "-refit" if config.refit else "-split-by-image" if config.split.startswith("image") else ""
    return network_name(architecture, dropped_blocks(config), config.cut) + mark


def _evaluate(run: RunFolder, config: TrainConfig, setup: TrainingSetup) -> dict[str, Any]:
    """Score the run on its test patients; a refit has the scores of the run that it follows."""
    if config.refit:
        return copy_scores(run, open_run(config.refit))
    calibrated = run.metrics.is_file() or bool(run.former())  # a finished run may have been calibrated anew since
    return evaluate_run(run, setup.source.folder, threshold=None if calibrated else config.threshold)
