"""The learning-rate range test: which rate to take, from how the loss falls as the rate rises."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection

from leukemia_tf.config import LrfindConfig, SetupConfig
from leukemia_tf.core.console import quiet_if
from leukemia_tf.data.prepare import log_split
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.training_plots import learning_rates
from leukemia_tf.models.freezing import disable_frozen_dropout, set_trainable
from leukemia_tf.training.devices import map_dtype, prepare_devices
from leukemia_tf.training.inputs import make_inputs
from leukemia_tf.training.optimizers import build_loss, build_optimizer
from leukemia_tf.training.settings import check_count, resolve_optimization, resolve_sampling, resolved_batch_size
from leukemia_tf.training.setup import TrainingSetup, build_setup, read_training_cells
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.training.stages import Plan
from leukemia_tf.tuning.learning_rate import RangeTest, find_learning_rate, recorded_loss
from leukemia_tf.workflows.resolve import resolve_setup

log = logging.getLogger("leukemia_tf")

STEPS = 100
NO_FALL = "the loss falls at none of the rates by more than its noise"


def lrfind(config: LrfindConfig) -> RangeTest:
    """Run the command `lrfind`; see `leukemia_tf.lrfind.lrfind`."""
    check_count("steps", config.steps)
    config = resolve_setup(config)
    resolved_batch_size(config)
    with quiet_if(config.json):
        found = _range_test(config)
    save(learning_rates(found.rates, found.losses, found.untrained, found.suggested), config.out)
    if config.json:
        log.info("%s", json.dumps({"suggested": found.suggested}))
    elif found.suggested:
        log.info("learning rate: %.2g; %s", found.suggested, config.out)
    else:
        log.warning("WARNING: no learning rate: %s; %s", NO_FALL, config.out)
    return found


def _range_test(config: LrfindConfig) -> RangeTest:
    architecture, source, prepared = read_training_cells(config)
    log_split(prepared)
    scope, _ = prepare_devices(config.precision, config.devices)
    with scope:
        setup = build_setup(config, architecture, source, prepared)
        blocks = [block.name for block in setup.network.blocks]
        first = plan_stages(Plan("progressive", 1e-3, 1e-5), blocks, setup.network.pretrained)[0]
        return range_test(config, setup, first.learning, config.steps)


def range_test(config: SetupConfig, setup: TrainingSetup, learning: Collection[str], steps: int = STEPS) -> RangeTest:
    """Raise the rate step by step while these parts and the head learn; the network is left as it was.

    Parameters
    ----------
    config : SetupConfig
        Resolved.
    setup : TrainingSetup
        Cells and network.
    learning : collection of str
        Names of the blocks and layers that learn beside the head.
    steps : int
        Rates to try.
    """
    network, load = setup.network, setup.examples()
    train, val = (load(part, setup.preprocessing.image_size) for part in ("train", "val"))
    optimization, sampling = resolve_optimization(config), resolve_sampling(config)
    set_trainable(network.model, network.blocks, learning, network.pretrained, config.train_batchnorm, network.folded)
    with disable_frozen_dropout(network.model, network.blocks, learning):
        inputs = make_inputs(
            network.model,
            train,
            val,
            sampling,
            resolved_batch_size(config),
            config.seed,
            config.cache != "none",
            map_dtype=map_dtype(config.precision),
        )
        loss = build_loss(optimization)
        inputs.trainer.compile(build_optimizer(optimization, 1e-3, {}), loss, metrics=[recorded_loss(loss)])
        return find_learning_rate(inputs.trainer, lambda epoch: inputs.training(epoch, 0), steps=steps)
