"""Several runs as one network, evaluated beside each of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict

import keras
import numpy as np

from leukemia_tf.config import CompareConfig, EnsembleConfig
from leukemia_tf.core.errors import ArgumentError, DataError, RunError, UserError, nearest
from leukemia_tf.core.files import as_read, copy_atomically, read_json, write_atomically, write_csv, write_json
from leukemia_tf.data.splits import read_split
from leukemia_tf.evaluation.predictions import arrays, with_probabilities, write_predictions
from leukemia_tf.evaluation.thresholds import check_threshold
from leukemia_tf.models.ensemble import build_ensemble
from leukemia_tf.models.network import load_network
from leukemia_tf.models.pretrained import Network
from leukemia_tf.reporting.finished_runs import FinishedRun, read_finished_runs, training_seconds
from leukemia_tf.runs.environment import software_environment
from leukemia_tf.runs.open_runs import check_vacant, new_run_path, open_run
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.training.layer_summary import write_summary
from leukemia_tf.training.objects import HISTORY
from leukemia_tf.tuning.ensemble_weights import genetic_weights
from leukemia_tf.workflows.compare import compare
from leukemia_tf.workflows.ensemble_folds import ensemble_studies
from leukemia_tf.workflows.evaluate_run import evaluate_run
from leukemia_tf.workflows.show_scores import show_scores

log = logging.getLogger("leukemia_tf")

METHODS = ("average", "vote", "genetic")


def ensemble(config: EnsembleConfig) -> RunFolder | Study:
    """Run the command `ensemble`; see `leukemia_tf.ensemble.ensemble`."""
    _check(config)
    if Study(config.runs[0]).config.is_file():
        return ensemble_studies(config)
    run = RunFolder(config.out or new_run_path("ensemble"))
    if not _is_unfinished(run, config):
        check_vacant(run.path)
    members = _read_members(config)
    weights = _member_weights(config)
    networks = [load_network(member.run.model) for member in members]
    model = build_ensemble(networks, weights, vote=config.method == "vote")
    _write_run(run, config, members, weights, model)
    show_scores(run, evaluate_run(run, members[0].run.data, config.seed, config.threshold))
    log.info("")
    compare(CompareConfig((run.path, *config.runs), out=run.path / "compare"))
    return run


def _check(config: EnsembleConfig) -> None:
    if len(config.runs) < 2:
        raise UserError("ensemble takes two or more run folders.")
    if config.method not in METHODS:
        raise ArgumentError("method", config.method, nearest(config.method, METHODS))
    check_threshold(config.threshold)


def _is_unfinished(run: RunFolder, config: EnsembleConfig) -> bool:
    """Return whether a folder holds the same ensemble, interrupted before its evaluation: it is built again."""
    if not run.config.is_file() or run.metrics.is_file():
        return False
    return open_run(run.path).read_config()["asked"] == as_read(asdict(config))


def _read_members(config: EnsembleConfig) -> list[FinishedRun]:
    members = read_finished_runs(config.runs)
    for member in members:
        member.run.check_files(member.run.model, member.run.splits)
        if "members" in member.run.read_config():
            raise RunError(f"{member.run} is an ensemble itself: name its members.")
    return members


def _member_weights(config: EnsembleConfig) -> list[float]:
    """Return the members' weights, summing to 1; a genetic algorithm optimises them on the validation part."""
    if config.method != "genetic":
        return [1 / len(config.runs)] * len(config.runs)
    members = read_finished_runs(config.runs, "val")
    labels, _, _ = arrays(members[0].predictions)
    if len(set(labels.tolist())) < 2:
        raise DataError(
            "`method=genetic` optimises the weights on the validation patients, who lack a class: use `method=average`."
        )
    weights = genetic_weights(labels, np.stack([member.probabilities for member in members]), config.seed)
    texts = (f"{member.name} {weight:.3f}" for member, weight in zip(members, weights))
    log.info("weights, optimised on %d validation cells: %s", len(labels), ", ".join(texts))
    return weights.tolist()


def _write_run(
    run: RunFolder,
    config: EnsembleConfig,
    members: Sequence[FinishedRun],
    weights: Sequence[float],
    model: keras.Model,
) -> None:
    """Write the files of a trained run: those of the first member, config.json, and the network last."""
    first = members[0].run
    write_json(run.environment, {**software_environment(), "computed_on": read_json(first.environment)["computed_on"]})
    for name in ("splits", "cells", "fingerprints", "rejected"):
        if getattr(first, name).is_file():
            copy_atomically(getattr(first, name), getattr(run, name))
    write_csv(run.history, HISTORY, [])
    write_summary(run.summary, Network(model, (), None), [])
    if read_split(run.splits).folds:
        _write_out_of_fold(run, config, weights)
    _write_config(run, config, members, weights, model)
    write_atomically(run.model, model.save)


def _write_out_of_fold(run: RunFolder, config: EnsembleConfig, weights: Sequence[float]) -> None:
    """Combine the members' out-of-fold predictions: the networks themselves were trained on these cells."""
    members = read_finished_runs(config.runs, "val")
    votes = [
        member.probabilities >= member.threshold if config.method == "vote" else member.probabilities
        for member in members
    ]
    mean = np.tensordot(weights, np.array(votes, float), 1)
    write_predictions(run.predictions("val"), with_probabilities(members[0].predictions, mean))


def _write_config(
    run: RunFolder,
    config: EnsembleConfig,
    members: Sequence[FinishedRun],
    weights: Sequence[float],
    model: keras.Model,
) -> None:
    settings = members[0].run.read_config()
    run.write_config(
        asked=asdict(config),
        train={**settings["train"], "base": "ensemble", "refit": None},
        network={
            "name": f"ensemble-of-{len(members)}",
            "parameters": model.count_params(),
            "image_size": settings["network"]["image_size"],
        },
        weights={"asked": "members", "source": "members"},
        data=settings["data"],
        stages=[],
        members=[
            {"run": str(member.run.path.resolve()), "name": member.name, "weight": weight}
            for member, weight in zip(members, weights)
        ],
        seconds=sum(training_seconds(member.run) for member in members),
    )
