"""The stages of a run: planned from its settings, after a range test where the learning rate is `auto`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.models.freezing import weighted_layers
from leukemia_tf.training.devices import has_gpu
from leukemia_tf.training.learning import fine_tunes
from leukemia_tf.training.setup import TrainingSetup
from leukemia_tf.training.stage_plans import parse_sizes, plan_stages
from leukemia_tf.training.stages import Plan, Stage
from leukemia_tf.workflows.lrfind import NO_FALL, range_test

log = logging.getLogger("leukemia_tf")


def plan(config: TrainConfig, setup: TrainingSetup) -> tuple[Stage, ...]:
    """Plan the stages of a run.

    Raises
    ------
    UserError
        If the network cannot take a stage's image size, or the last size is not the run's.
    """
    if not config.stages and setup.source.embedded:
        config = replace(config, stages="progressive")  # phantom cells are few and small: every block in a minute
    stages = _planned(config, setup)
    _check_sizes(setup, stages)
    return stages


def plan_of(config: TrainConfig, rate: float) -> Plan:
    """Return what a run's settings say of its stages, for a learning rate of the head."""
    stages = config.stages or _default_stages()
    gentle = 1000 if stages.startswith("progressive") else 100  # at a hundredth other patients scored lower
    return Plan(
        stages,
        rate,
        config.fine_tune_lr or rate / gentle,
        config.epochs,
        config.patience,
        config.schedule,
        config.layer_decay,
        config.train_batchnorm,
        parse_sizes(config.sizes),
    )


def _default_stages() -> str:
    """Return how far a network is unfrozen: on a CPU an epoch of each further block takes many minutes."""
    return "progressive" if has_gpu() else "progressive:1"


def _planned(config: TrainConfig, setup: TrainingSetup) -> tuple[Stage, ...]:
    network = setup.network
    layers = weighted_layers(network.model, network.blocks)
    blocks = list(layers)
    if config.lr != "auto":
        return plan_stages(plan_of(config, config.lr), blocks, network.pretrained, layers)
    first = plan_stages(plan_of(config, 1e-3), blocks, network.pretrained, layers)[0]
    rate = range_test(config, setup, first.learning).suggested
    if rate is None:
        raise ArgumentError("lr", "auto", f"{NO_FALL}: name a rate.")
    log.info("learning rate: %.2g, by a range test", rate)
    if fine_tunes(first.learning, network.pretrained, layers):
        config = replace(config, fine_tune_lr=config.fine_tune_lr or rate)
    return plan_stages(plan_of(config, rate), blocks, network.pretrained, layers)


def _check_sizes(setup: TrainingSetup, stages: Sequence[Stage]) -> None:
    size, last = setup.preprocessing.image_size, stages[-1].image_size
    if last not in (0, size):
        raise ArgumentError("image_size", size, f"the last stage is at {last} pixels: say `image_size={last}`.")
    for other in {stage.image_size for stage in stages} - {0, size}:
        setup.resized(other)
