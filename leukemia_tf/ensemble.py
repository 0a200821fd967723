"""`python -m leukemia_tf.ensemble RUN RUN …`: several runs as one network, judged beside each of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.compare import compare
from leukemia_tf.config import CompareConfig, EnsembleConfig
from leukemia_tf.errors import DataError, RunError, UserError, nearest
from leukemia_tf.evaluate import evaluate_run, show
from leukemia_tf.files import as_read
from leukemia_tf.run import RunFolder, check_vacant, environment, new_run_path, open_run
from leukemia_tf.study import Study

if TYPE_CHECKING:
    import keras

    from leukemia_tf.members import Member

log = logging.getLogger("leukemia_tf")

METHODS = ("average", "vote", "genetic")


def ensemble(config: EnsembleConfig) -> RunFolder | Study:
    """Put finished runs together, judge the whole on their test patients, and compare it with each of them.

    Parameters
    ----------
    config : EnsembleConfig
        The runs, or folders of `crossval`; for those see `leukemia_tf.fold_ensemble.ensemble_studies`.

    Returns
    -------
    RunFolder or Study
        A run like any other, its members' comparison in `compare/`; of cross-validations what all methods come to.

    Raises
    ------
    UserError
        If the runs cannot stand side by side: they were judged on other cells, or have no validation part where
        weights are bred on it.
    """
    if len(config.runs) < 2:
        raise UserError("ensemble takes two or more run folders.")
    if config.method not in METHODS:
        raise UserError(f"--method {config.method}: {nearest(config.method, METHODS)}")
    if Study(config.runs[0]).config.is_file():
        from leukemia_tf.fold_ensemble import ensemble_studies

        return ensemble_studies(config)
    run = RunFolder(config.out or new_run_path("ensemble"))
    if not _unfinished(run, config):
        check_vacant(run.path)

    from leukemia_tf.evaluation.thresholds import check_threshold
    from leukemia_tf.files import write_atomically
    from leukemia_tf.members import read_members
    from leukemia_tf.models.ensemble import build_ensemble
    from leukemia_tf.models.network import load_network

    check_threshold(config.threshold)
    members = read_members(config.runs)
    for member in members:
        if "members" in member.run.read_config():
            raise RunError(f"{member.run} is an ensemble itself: name its members.")
    weights = _weights(config)
    model = build_ensemble([load_network(member.run.model) for member in members], weights, config.method == "vote")
    _begin(run, config, members, weights, model)
    write_atomically(run.model, model.save)
    show(run, evaluate_run(run, members[0].run.data, config.seed, config.threshold))
    log.info("")
    compare(CompareConfig((run.path, *config.runs), out=run.path / "compare", seed=config.seed))
    return run


def _unfinished(run: RunFolder, config: EnsembleConfig) -> bool:
    """Return whether a folder holds the same ensemble, stopped before it was judged: it is made again."""
    if not run.config.is_file() or run.metrics.is_file():
        return False
    return open_run(run.path).read_config()["asked"] == as_read(asdict(config))


def _weights(config: EnsembleConfig) -> list[float]:
    """Return how much each member has to say; bred weights come from the validation part alone."""
    if config.method != "genetic":
        return [1 / len(config.runs)] * len(config.runs)

    import numpy as np

    from leukemia_tf.evaluation.predictions import arrays
    from leukemia_tf.members import read_members
    from leukemia_tf.tuning.ensemble_weights import genetic_weights

    members = read_members(config.runs, "val")
    labels = arrays(members[0].rows)[0]
    if len(set(labels.tolist())) < 2:
        raise DataError("--method genetic breeds weights on the validation patients, who lack a class: take average.")
    weights = genetic_weights(labels, np.stack([member.probabilities for member in members]), config.seed)
    told = ", ".join(f"{member.name} {weight:.3f}" for member, weight in zip(members, weights))
    log.info("weights, bred on %d validation cells: %s", len(labels), told)
    return weights.tolist()


def _begin(
    run: RunFolder, config: EnsembleConfig, members: Sequence[Member], weights: Sequence[float], model: keras.Model
) -> None:
    """Write what a run writes before it is judged; config.json last."""
    import shutil

    from leukemia_tf.files import read_json, write_csv, write_json
    from leukemia_tf.members import training_seconds
    from leukemia_tf.training.task import HISTORY

    first = members[0].run
    settings = first.read_config()
    write_json(run.environment, {**environment(), "computed_on": read_json(first.environment)["computed_on"]})
    for own, of_first in ((run.splits, first.splits), (run.cells, first.cells), (run.rejected, first.rejected)):
        if of_first.is_file():
            shutil.copy(of_first, own)
    write_csv(run.history, HISTORY, [])
    size = settings["network"]["image_size"]
    run.write_config(
        asked=asdict(config),
        train={**settings["train"], "base": "ensemble", "refit": None},
        network={"name": f"ensemble-of-{len(members)}", "parameters": model.count_params(), "image_size": size},
        weights={"asked": "members", "source": "members"},
        data=settings["data"],
        stages=[],
        members=[
            {"run": str(member.run.path.resolve()), "name": member.name, "weight": weight}
            for member, weight in zip(members, weights)
        ],
        seconds=sum(training_seconds(member.run) for member in members),
    )


if __name__ == "__main__":
    run_command("ensemble", EnsembleConfig, ensemble)
