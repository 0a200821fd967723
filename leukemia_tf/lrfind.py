"""`python -m leukemia_tf.lrfind`: which learning rate to take, from how the loss falls as the rate rises."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from itertools import count
from typing import TYPE_CHECKING

from leukemia_tf.assemble import Assembled, assemble, check_count, read_setup, sampling_of, step_of
from leukemia_tf.cli import run_command
from leukemia_tf.config import LrfindConfig, SetupConfig

if TYPE_CHECKING:
    from leukemia_tf.tuning.learning_rate import RangeTest

log = logging.getLogger("leukemia_tf")

STEPS = 100


def lrfind(config: LrfindConfig | None = None) -> RangeTest:
    """Run a learning-rate range test on the training cells, and draw it.

    Parameters
    ----------
    config : LrfindConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    RangeTest
        The curve and the suggestions.
    """
    config = config or LrfindConfig()
    if config.json:
        log.setLevel(logging.WARNING)  # nothing but JSON on standard output
    check_count("steps", config.steps)
    architecture, source, prepared = read_setup(config)

    from leukemia_tf.evaluation.plots import learning_rates, save
    from leukemia_tf.training.devices import prepare_devices
    from leukemia_tf.training.plans import plan_stages
    from leukemia_tf.training.stages import Plan

    scope, _ = prepare_devices(config.precision, config.devices)
    with scope:
        assembled = assemble(config, architecture, source, prepared)
        network = assembled.network
        blocks = [block.name for block in network.blocks]
        first = plan_stages(Plan("progressive", 1e-3, 1e-5), blocks, network.pretrained)[0]
        found = range_test(config, assembled, first.learning, config.steps)
    save(learning_rates(found.rates, found.losses, found.steepest, found.valley), config.out)
    suggestions = {"steepest": found.steepest, "valley": found.valley}
    if config.json:
        log.setLevel(logging.INFO)
        log.info("%s", json.dumps(suggestions))
    else:
        log.info("learning rate: %.2g (valley), %.2g (steepest); %s", found.valley, found.steepest, config.out)
    return found


def range_test(config: SetupConfig, assembled: Assembled, learning: Collection[str], steps: int = STEPS) -> RangeTest:
    """Raise the rate step by step with these blocks and the head learning; the network is left as it was."""
    from leukemia_tf.models.freezing import frozen_as_served, set_trainable
    from leukemia_tf.training.feed import make_feed
    from leukemia_tf.training.optimizers import build_loss, build_optimizer
    from leukemia_tf.tuning.learning_rate import find_learning_rate

    network, load = assembled.network, assembled.examples()
    parts = (load(part, assembled.settings.image_size) for part in ("train", "val"))
    set_trainable(network.model, network.blocks, learning, network.pretrained)
    with frozen_as_served(network.model, network.blocks, learning):
        sampling, keep = sampling_of(config), config.cache != "none"
        feed = make_feed(network.model, *parts, sampling, config.batch_size, config.seed, keep)
        feed.trainer.compile(build_optimizer(step_of(config), 1e-3, {}), build_loss(step_of(config)))
        batches = (batch for epoch in count() for batch in feed.training(epoch, 0))
        return find_learning_rate(feed.trainer, batches, steps=steps)


if __name__ == "__main__":
    run_command("lrfind", LrfindConfig, lrfind)
