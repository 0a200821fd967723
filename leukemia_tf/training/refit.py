"""A refit: an evaluated recipe trained again on all patients, for use; its scores are those of the run it follows."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

from leukemia_tf.config import SetupConfig, TrainConfig
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.models.table import find_architecture
from leukemia_tf.runs.open_runs import open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.history import epochs_followed
from leukemia_tf.training.resume import kept_patients
from leukemia_tf.training.settings import resolve_head

BESIDE_REFIT = ("out", "data", "refit", "resume", "cache", "precision", "devices", "tensorboard")  # settings


def refit_config(config: TrainConfig) -> TrainConfig:
    """Return the settings of the run in `config.refit`, with its stages and epochs as they ran, and all patients.

    Of a run that kept its best epoch, the stages go as far as the weights that its network comes from.

    A `plateau` schedule follows the training loss, since there is no validation part.

    Raises
    ------
    UserError
        If that run is not finished or is a refit itself, or if other settings are given beside `refit`.
    """
    if config.refit is None:
        raise ValueError(f"`refit` must name a run. Received: {config}")
    run = open_run(config.refit)
    settings, evaluated = _read_evaluated(run)
    defaults = TrainConfig()
    for field in fields(config):
        if field.name not in BESIDE_REFIT and getattr(config, field.name) != getattr(defaults, field.name):
            raise UserError(f"`{field.name}` beside `refit`: all settings come from {run}.")
    return replace(
        evaluated,
        out=config.out,
        data=config.data or run.data,
        patients=kept_patients(run, evaluated),
        refit=config.refit,
        resume=config.resume,
        cache=config.cache,
        precision=config.precision,
        devices=config.devices,
        tensorboard=config.tensorboard,
        recipe=None,
        stages=json.dumps(completed_stages(run, evaluated.keep)),
        keep="last",
        inner_folds=0,
        sizes=None,
        epochs=None,
        lr=1e-3,
        weights="none" if settings["weights"]["source"] == "random" else evaluated.weights,
        image_size=settings["network"]["image_size"],
        split=f"refit:{run.splits}",
    )


def _read_evaluated(run: RunFolder) -> tuple[dict[str, Any], TrainConfig]:
    """Return the content of config.json and the training's settings of a run that can be refitted."""
    if not run.metrics.is_file():
        raise RunError(f"`refit={run}`: it is not finished; go on with it by `out={run}` and `resume=True`.")
    settings = run.read_config()
    run.check_files(run.environment, run.splits, run.cells, run.model, run.history)
    if "members" in settings:
        raise RunError(f"`refit={run}`: it is an ensemble; refit its members, and combine those.")
    config = TrainConfig(**settings["train"])
    check_head("refit", run, settings["network"]["head"], config)
    if config.refit:
        raise RunError(f"`refit={run}`: it is a refit itself; name the run that it follows, {config.refit}.")
    if config.pseudo_labels:
        raise RunError(f"`refit={run}`: a part of its labels are pseudo-labels; there are no more cells to train on.")
    return settings, config


def check_head(name: str, run: RunFolder, recorded: dict[str, Any], config: SetupConfig) -> None:
    """Stop, naming the argument that named the run, if this version would put another head on its base."""
    head = resolve_head(config, find_architecture(config.base))
    built = {**vars(head), "units": list(head.units), "depths": recorded["depths"]}  # fewer on a base of few blocks
    if not recorded.get("function") and any(recorded[name] != built.get(name) for name in recorded):
        raise RunError(f"`{name}={run}`: its settings stand for another head in this version; train it anew.")


def completed_stages(run: RunFolder, keep: str) -> list[dict[str, Any]]:
    """Return the stages that a run's network comes from, each up to the epoch from which training went on."""
    records = run.read_config()["stages"]
    lengths = epochs_followed(records, run.read_history(), keep)
    return [{**record, "ends": ends, "patience": None} for record, ends in zip(records, lengths) if ends]


def copy_scores(run: RunFolder, evaluated: RunFolder) -> dict[str, Any]:
    """Write, as the metrics of a refit, those of the run whose recipe it follows, with a caution that says so."""
    caution = f"scores of {evaluated}, by whose recipe this was trained on all patients; it has none of its own"
    metrics: Any = evaluated.read_metrics()
    caution = "; ".join(filter(None, (caution, metrics.get("caution"))))
    metrics = {**metrics, "caution": caution, "scores_of": str(evaluated), "trained_on": "all patients"}
    run.write_metrics(metrics)
    return metrics
