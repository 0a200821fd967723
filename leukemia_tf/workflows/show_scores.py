"""The scores of a run in the terminal."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.evaluation.scores import score_table
from leukemia_tf.reporting.summary import decision_text, validation_text
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.recalibration import change_table

log = logging.getLogger("leukemia_tf")


def show_scores(run: RunFolder, metrics: Mapping[str, Any]) -> None:
    """Log the scores on the test patients, what limits them, and the run's folder.

    On other cells than the run's own what limits the scores comes first: they may not be worth reading.
    """
    external = metrics["protocol"] == "external"
    if external:
        show_cautions(run, metrics)
    drawn = f"split, seed {metrics['seed']}" if "seed" in metrics else "cells"
    log.info("\n%s", score_table("test", metrics["parts"]["test"], f"{metrics['protocol']} {drawn}"))
    if validation := validation_text(metrics):
        log.info("\n%s", validation)
    log.info("\n%s", decision_text(metrics))
    if "before" in metrics:
        log.info("\n%s", change_table(metrics["before"], metrics["decision"], run.path))
    if not external:
        show_cautions(run, metrics)
    log.info("\n%s: %s", *(("report", run.report) if external else ("run folder", run)))


def show_cautions(run: RunFolder, metrics: Mapping[str, Any]) -> None:
    """Log what limits the scores; on standard error, so that JSON on standard output stays JSON."""
    trained = run if run.config.is_file() else RunFolder(Path(metrics.get("run", run)))  # scores on external cells
    settings = trained.read_config() if trained.config.is_file() else {}
    for sentence in cautions(metrics, settings):
        log.warning("CAUTION: %s", sentence)
