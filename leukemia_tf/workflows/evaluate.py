"""The command `evaluate`: a run on its test patients, a study, or a network on another folder of labelled cells."""

from __future__ import annotations

import logging
from dataclasses import fields
from pathlib import Path

from leukemia_tf.config import EvaluateConfig, Reading
from leukemia_tf.core.console import quiet_if
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.runs.open_runs import run_or_newest
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.workflows.evaluate_run import evaluate_run
from leukemia_tf.workflows.evaluate_study import evaluate_study
from leukemia_tf.workflows.external_validation import evaluate_network, evaluate_run_external, is_external
from leukemia_tf.workflows.show_scores import show_cautions, show_scores

log = logging.getLogger("leukemia_tf")


def evaluate(config: EvaluateConfig) -> dict:
    """Run the command `evaluate`; see `leukemia_tf.evaluate.evaluate`."""
    if config.run is not None and Study(config.run).config.is_file():
        return evaluate_study(Study(config.run), config)
    with quiet_if(config.json):
        if config.run is not None and config.run.is_file():
            metrics, run = _evaluate_file(config.run, config)
        else:
            metrics, run = _evaluate_folder(run_or_newest(config.run), config)
    if config.json:
        show_cautions(run, metrics)
        log.info("%s", run.metrics.read_text(encoding="utf-8"))
    else:
        show_scores(run, metrics)
    return metrics


def _evaluate_file(network: Path, config: EvaluateConfig) -> tuple[dict, RunFolder]:
    if config.data is None:
        raise ArgumentError("data", None, f"{network} is a network without a run: name a folder of labelled cells.")
    _check_external(config)
    out = RunFolder(Path(f"{network.stem}-on-{config.data.resolve().name}"))
    return evaluate_network(network, config.data, out, config.seed, config.tta, reading=config), out


def _evaluate_folder(run: RunFolder, config: EvaluateConfig) -> tuple[dict, RunFolder]:
    run.check_files(run.cells)
    folder = config.data or run.data
    named = [column.name for column in fields(Reading) if getattr(config, column.name)]
    if config.data and (named or is_external(run, folder)):  # paths may be the same by chance
        _check_external(config)
        return evaluate_run_external(run, folder, config.seed, config.tta, config), run.external(folder.resolve().name)
    for name in named:
        problem = "the run knows its cells' labels and patients: it is for another folder, named by `data`."
        raise ArgumentError(name, getattr(config, name), problem)
    return evaluate_run(run, folder, config.seed, config.threshold, config.tta, config.paper), run


def _check_external(config: EvaluateConfig) -> None:
    if config.threshold:
        raise ArgumentError(
            "threshold", config.threshold, "it is fitted on the run's validation patients: leave out `data`."
        )
    if config.paper:
        raise ArgumentError("paper", config.paper, "it is written for a run's test patients: leave out `data`.")
