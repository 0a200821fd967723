"""A training that starts from the network of another run: its settings of the network are that run's."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from leukemia_tf.config import SetupConfig, TrainConfig
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.runs.open_runs import run_or_newest
from leukemia_tf.training.refit import check_head

Setup = TypeVar("Setup", bound=SetupConfig)
NETWORK = (
    *("base", "drop_last_block", "drop_blocks", "cut", "head", "pooling", "depths", "units", "weights"),
    *("image_size", "framing", "stain_normalization", "register_channels", "contrast"),
)
WITHOUT_WEIGHTS = ("dropout", "dropout_before", "l2")  # the run's too, unless they are set


def with_network_of_run(config: Setup) -> Setup:
    """Return settings with the network of the run in `from_`; the settings themselves where it names none.

    Raises
    ------
    UserError
        If that run has no network that can be trained further, or if the settings name another network.
    """
    if config.from_ is None:
        return config
    run = run_or_newest(config.from_)
    settings = run.read_config()
    if "members" in settings:
        raise RunError(f"`from_={run}`: it is an ensemble: name one of its members.")
    recorded = settings["network"]
    if recorded["head"].get("function"):
        raise RunError(f"`from_={run}`: its head is a function of Python's, which its folder does not hold.")
    trained = replace(TrainConfig(**settings["train"]), image_size=recorded["image_size"])
    check_head("from_", run, recorded["head"], trained)
    defaults = SetupConfig()
    for name in NETWORK:
        if getattr(config, name) not in (getattr(defaults, name), getattr(trained, name)):
            raise UserError(f"`{name}` beside `from_`: the network and its weights are those of {run}.")
    changes = {name: getattr(trained, name) for name in NETWORK}
    changes |= {name: getattr(trained, name) for name in WITHOUT_WEIGHTS if getattr(config, name) is None}
    return replace(config, from_=run.path.resolve(), **changes)
