"""`python -m leukemia_tf.train`: from cells to a trained network, judged on patients it has never seen."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from leukemia_tf.assemble import Assembled, assemble, check_count, drop_blocks_of, read_setup, sampling_of, step_of
from leukemia_tf.beginning import check_same, find_begun, resumed, stages_of, write_beginning
from leukemia_tf.cli import run_command
from leukemia_tf.config import TrainConfig
from leukemia_tf.errors import UserError
from leukemia_tf.recipes import check_recipe, recipe_asked
from leukemia_tf.refit import borrow_scores, refitted
from leukemia_tf.run import RunFolder, new_run_path, open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np

    from leukemia_tf.models.architecture import Architecture
    from leukemia_tf.training.stages import Plan, Stage
    from leukemia_tf.training.task import Task

log = logging.getLogger("leukemia_tf")


def train(asked: TrainConfig | None = None) -> RunFolder:
    """Train a network and judge it on its test patients.

    Parameters
    ----------
    asked : TrainConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    RunFolder
        The run's folder, with everything in it.

    Raises
    ------
    UserError
        For what the user can mend: cells, weights, flags; nothing is written then.
    """
    asked = asked or TrainConfig()
    from leukemia_tf.data.examine import quarantine

    begun = find_begun(asked)
    config = resumed(begun) if begun else settled(asked)
    architecture, source, prepared = read_setup(config)

    from leukemia_tf.evaluate import evaluate_run, show  # from here on with TensorFlow, which takes seconds to import
    from leukemia_tf.training.devices import prepare_devices

    scope, computed = prepare_devices(config.precision, config.devices)
    with scope:
        assembled = assemble(config, architecture, source, prepared)
        stages = stages_of(begun) if begun else plan(config, assembled)
        _check_sizes(assembled, stages)
        name = _name(config, architecture)
        run = begun or RunFolder(config.out or new_run_path(name))
        if begun:
            check_same(run, source, prepared)
        else:
            write_beginning(run, asked, config, name, assembled, stages, computed)
        if prepared.rejected and config.on_bad_image == "quarantine":
            log.warning("the bad images were moved to %s", quarantine(source.folder, prepared.rejected))
        log.info("run folder: %s", run)
        log.info("stages:\n%s\n", "\n".join(f"  {stage}" for stage in stages))
        if not run.model.is_file():
            _fit(run, config, assembled, stages)
        shutil.rmtree(run.checkpoints, ignore_errors=True)
    judged = open_run(config.refit) if config.refit else None
    fitted = None if run.metrics.is_file() else config.threshold  # a finished run's may have been fitted anew since
    show(run, borrow_scores(run, judged) if judged else evaluate_run(run, source.folder, threshold=fitted))
    return run


def train_once(config: TrainConfig) -> RunFolder:
    """Train the run in `config.out`, or go on with it, or find it finished."""
    run = RunFolder(config.out)
    if run.metrics.is_file():
        log.info("finished already: %s", run)
        return run

    import keras

    keras.utils.clear_session()
    return train(replace(config, resume=run.config.is_file()))


def settled(config: TrainConfig) -> TrainConfig:
    """Return what is asked with what follows from it, or stop at flags that cannot be, before anything is read."""
    from leukemia_tf.evaluation.thresholds import check_threshold
    from leukemia_tf.training.plans import check_stages, parse_sizes
    from leukemia_tf.training.schedules import check_schedule

    if config.refit:
        return refitted(config)
    if config.split.startswith("refit"):
        raise UserError("--split refit: say --refit RUN.")
    check_recipe(config)
    for flag in ("epochs", "patience"):
        check_count(flag, getattr(config, flag))
    check_stages(config.stages)
    check_schedule(config.schedule or "constant")
    check_threshold(config.threshold)
    for flag in ("lr", "fine_tune_lr"):
        rate = getattr(config, flag)
        if rate not in (None, "auto") and not 0 < rate < 100:
            raise UserError(f"--{flag.replace('_', '-')} {rate}: it takes a number above 0.")
    sizes = parse_sizes(config.sizes)
    if not sizes:
        return config
    if config.image_size not in (None, sizes[-1][0]):
        raise UserError(f"--image-size {config.image_size} and --sizes {config.sizes}: the last size is the run's.")
    return replace(config, image_size=sizes[-1][0])


def plan(config: TrainConfig, assembled: Assembled) -> tuple[Stage, ...]:
    """Plan the stages; where the rate is `auto`, after a range test on the first of them."""
    from leukemia_tf.training.plans import plan_stages

    network = assembled.network
    blocks = [block.name for block in network.blocks]
    if config.lr != "auto":
        return plan_stages(plan_of(config, config.lr), blocks, network.pretrained)
    from leukemia_tf.lrfind import range_test

    first = plan_stages(plan_of(config, 1e-3), blocks, network.pretrained)[0]
    rate = range_test(config, assembled, first.learning).valley
    log.info("learning rate: %.2g, in the middle of the loss's longest fall", rate)
    if set(first.learning) & set(network.pretrained):
        config = replace(config, fine_tune_lr=config.fine_tune_lr or rate)
    return plan_stages(plan_of(config, rate), blocks, network.pretrained)


def plan_of(config: TrainConfig, rate: float) -> Plan:
    """Return what a run asks of its stages, for a rate of the head."""
    from leukemia_tf.training.plans import parse_sizes
    from leukemia_tf.training.stages import Plan

    slow = config.fine_tune_lr or rate / 100
    more = (config.epochs, config.patience, config.schedule, config.layer_decay, parse_sizes(config.sizes))
    return Plan(config.stages, rate, slow, *more)


def _check_sizes(assembled: Assembled, stages: Sequence[Stage]) -> None:
    """Stop before the training at a size that the network cannot take, or that is not the run's in the end."""
    own, last = assembled.settings.image_size, stages[-1].image_size
    if last not in (0, own):
        raise UserError(f"the last stage is at {last} pixels, the run at {own}: say --image-size {last}.")
    for size in {stage.image_size for stage in stages} - {0, own}:
        assembled.resized(size)


def _name(config: TrainConfig, architecture: Architecture) -> str:
    """Return the run's network's name, with what must not be overlooked."""
    from leukemia_tf.models.architecture import network_name

    mark = "-refit" if config.refit else "-split-by-image" if config.split.startswith("image") else ""
    return network_name(architecture, drop_blocks_of(config), config.cut) + mark


def task_of(assembled: Assembled, history: Path, states: Path, note: Callable[[dict, Sequence[float]], object]) -> Task:
    """Return the training of what was assembled: its history and states lie at these paths, `note` is told epochs."""
    from leukemia_tf.training.task import Task

    config = assembled.config
    return Task(
        assembled.network,
        assembled.examples(),
        assembled.resized,
        sampling_of(config),
        step_of(config),
        validation_scores,
        config.batch_size,
        config.seed,
        history,
        states,
        keep_features=config.cache != "none",
        note=note,
    )


def _fit(run: RunFolder, config: TrainConfig, assembled: Assembled, stages: Sequence[Stage]) -> None:
    """Train through the stages, and write the best network."""
    from leukemia_tf.files import write_atomically
    from leukemia_tf.models.network import load_network
    from leukemia_tf.models.probability import decide_by, decision_of
    from leukemia_tf.training.logs import log_epoch
    from leukemia_tf.training.loop import train_stages

    judged = load_network(open_run(config.refit).model) if config.refit else None
    note = log_epoch(run.batches, run.tensorboard if config.tensorboard else None)
    try:
        train_stages(task_of(assembled, run.history, run.checkpoints, note), stages)
    except KeyboardInterrupt:
        log.warning("\nthe state is kept; go on: python -m leukemia_tf.train --out %s --resume", run)
        raise
    if judged:
        decide_by(assembled.network.model, decision_of(judged))
    write_atomically(run.model, assembled.network.model.save)


def validation_scores(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> dict[str, float]:
    """Return the validation's columns of history.csv: int [n], float [n], str [n] -> scores by name."""
    from leukemia_tf.evaluation.metrics import all_metrics, auroc_standard_error

    scores = all_metrics(labels, probabilities, patients)
    own = {f"val_{name}": float(scores[name][0]) for name in ("auroc", "auroc_by_patient", "accuracy", "f_beta")}
    of_class = [len(set(patients[labels == label])) for label in (1, 0)]
    return {**own, "val_standard_error": auroc_standard_error(own["val_auroc_by_patient"], *of_class)}


if __name__ == "__main__":
    run_command("train", TrainConfig, train, recipe_asked)
