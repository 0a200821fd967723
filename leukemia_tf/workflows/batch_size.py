"""The batch size of a run whose `batch_size` is `auto`, and the learning rates that go with it."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from leukemia_tf.config import TrainConfig
from leukemia_tf.data.balance import epoch_order
from leukemia_tf.data.datasets import classes
from leukemia_tf.models.freezing import disable_frozen_dropout, set_trainable, weighted_layers
from leukemia_tf.models.network import logit_model
from leukemia_tf.training.augmented_steps import augmented_steps
from leukemia_tf.training.batch_size import USUAL, find_batch_size, largest_batch, rate_factor, time_steps
from leukemia_tf.training.checkpoints import assign, network_variables
from leukemia_tf.training.devices import explain_lack_of_memory, has_gpu
from leukemia_tf.training.optimizers import build_loss, build_optimizer
from leukemia_tf.training.settings import resolve_optimization, resolve_sampling
from leukemia_tf.training.setup import TrainingSetup
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.training.stages import Stage
from leukemia_tf.workflows.plan import plan_of

log = logging.getLogger("leukemia_tf")

_sizes: dict[tuple, int] = {}  # in this process: the folds of a study take the same


def with_batch_size(config: TrainConfig, setup: TrainingSetup) -> TrainConfig:
    """Return settings with a number in place of `batch_size=auto`, and rates that fit it; other settings as they are.

    Without a GPU it is the usual number. The stage that trains the most blocks is timed; the network is left as it was.
    Rates that a JSON list of stages names stay as they are.

    Parameters
    ----------
    config : TrainConfig
        Resolved.
    setup : TrainingSetup
        Cells and network.

    Raises
    ------
    RunError
        If a step of one cell does not fit into memory.
    """
    if config.batch_size != "auto":
        return config
    if not has_gpu():
        log.info("batch size: %d; without a GPU more cells in a step are no faster", USUAL)
        return replace(config, batch_size=USUAL)
    layers = weighted_layers(setup.network.model, setup.network.blocks)
    stages = plan_stages(plan_of(config, 1e-3), list(layers), setup.network.pretrained, layers)
    heaviest = max(stages, key=lambda stage: (stage.image_size, len(stage.learning)))
    key = (setup.network.model.name, setup.preprocessing.image_size, config.precision, config.devices, str(heaviest))
    if key not in _sizes:
        log.info("batch size: timing steps of the stage %s", heaviest.name)
        _sizes[key] = batch_size_of(config, setup, heaviest)
    return _with_rates(config, _sizes[key])


def batch_size_of(config: TrainConfig, setup: TrainingSetup, stage: Stage) -> int:
    """Return how many cells a step of a stage takes on this device; the network is left as it was."""
    network, sampling = setup.network, resolve_sampling(config)
    model, optimization = network.model, resolve_optimization(config)
    before = [np.array(variable) for variable in network_variables(model)]
    labels = classes([cell for cell in setup.prepared.cells if cell.split == "train"])
    largest = largest_batch(len(epoch_order(labels, sampling, config.seed, 0)))
    set_trainable(model, network.blocks, stage.learning, network.pretrained, stage.train_batchnorm, network.folded)

    def seconds(size: int) -> float:
        trainer = augmented_steps(model, sampling.augment) if has_gpu() else logit_model(model)
        trainer.compile(build_optimizer(optimization, stage.learning_rate, {}), build_loss(optimization))
        return time_steps(trainer, size)

    try:
        with (
            explain_lack_of_memory(1, model.input_shape[1]),
            disable_frozen_dropout(model, network.blocks, stage.learning),
        ):
            return find_batch_size(seconds, largest)
    finally:
        assign(network_variables(model), before)


def _with_rates(config: TrainConfig, batch_size: int) -> TrainConfig:
    factor = rate_factor(batch_size, config.optimizer)
    rates = {name: getattr(config, name) for name in ("lr", "fine_tune_lr")}
    scaled: dict[str, Any] = {name: rate * factor for name, rate in rates.items() if isinstance(rate, (int, float))}
    log.info("batch size: %d; learning rates times %.3g", batch_size, factor)
    return replace(config, batch_size=batch_size, **scaled)
