"""The settings of a training, read once: checked, and completed where one follows from another; without TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from leukemia_tf.config import SetupConfig, TrainConfig
from leukemia_tf.config.recipes import check_recipe
from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.evaluation.thresholds import check_threshold
from leukemia_tf.training.refit import refit_config
from leukemia_tf.training.resume import find_interrupted_run, resumed_config
from leukemia_tf.training.schedules import check_schedule
from leukemia_tf.training.settings import check_count, check_setup
from leukemia_tf.training.stage_plans import check_stages, parse_sizes
from leukemia_tf.training.start_network import with_network_of_run

KEEP = ("last", "best")
Setup = TypeVar("Setup", bound=SetupConfig)
Train = TypeVar("Train", bound=TrainConfig)


def resolve(config: TrainConfig) -> TrainConfig:
    """Return the settings that a training carries out.

    Parameters
    ----------
    config : TrainConfig
        As requested.

    Returns
    -------
    TrainConfig
        Those of the interrupted run if it resumes (then `resume` is True), those of the run that is refitted, or the
        requested ones, checked and completed.

    Raises
    ------
    UserError
        At the first setting that cannot be; nothing is read or written before.
    """
    run = find_interrupted_run(config)
    if run:
        return resumed_config(run)
    if config.refit:
        return refit_config(config)
    return resolve_settings(config)


def resolve_settings(config: Train) -> Train:
    """Check and complete settings of a new training; of commands that take train's flags, too."""
    if config.split.startswith("refit"):
        raise ArgumentError("split", config.split, "to train on all patients of a run, name it as `refit`.")
    check_recipe(config)
    for name in ("epochs", "patience"):
        check_count(name, getattr(config, name))
    if config.inner_folds == 1 or (config.inner_folds or 0) < 0:
        raise ArgumentError("inner_folds", config.inner_folds, "it takes 2 or more, or 0 for none.")
    if config.keep not in KEEP:
        raise ArgumentError("keep", config.keep, nearest(config.keep, KEEP))
    check_stages(config.stages or "progressive")
    check_schedule(config.schedule or "constant")
    check_threshold(config.threshold)
    for name in ("lr", "fine_tune_lr"):
        _check_rate(name, getattr(config, name))
    return resolve_setup(_with_last_size(config))


def resolve_setup(config: Setup) -> Setup:
    """Check and complete what `train` and `lrfind` share: the network, the cells, a step."""
    config = with_network_of_run(config)
    check_setup(config)
    return config


def _check_rate(name: str, rate: float | str | None) -> None:
    if rate in (None, "auto"):
        return
    if not isinstance(rate, (int, float)) or not 0 < rate < 100:
        raise ArgumentError(name, rate, "it takes a number above 0.")


def _with_last_size(config: Train) -> Train:
    """Return settings whose image size is the last of progressive resizing."""
    sizes = parse_sizes(config.sizes)
    if not sizes:
        return config
    if config.image_size not in (None, sizes[-1][0]):
        raise ArgumentError("image_size", config.image_size, f"the last of `sizes={config.sizes}` is the run's size.")
    return replace(config, image_size=sizes[-1][0])
