"""Figures, report and paper files of a finished cross-validation, written anew from its folder."""

from __future__ import annotations

import logging
from typing import Any

from leukemia_tf.config import EvaluateConfig
from leukemia_tf.core.errors import ArgumentError, RunError
from leukemia_tf.core.files import read_json
from leukemia_tf.reporting.paper import pooled_methods_sentence, write_paper
from leukemia_tf.runs.study_folder import CROSSVAL, Study, open_study
from leukemia_tf.workflows.crossval_page import write_crossval_report
from leukemia_tf.workflows.crossval_table import table

log = logging.getLogger("leukemia_tf")


def evaluate_study(study: Study, config: EvaluateConfig) -> dict[str, Any]:
    """Write a cross-validation's figures and report.html, and with `paper` what a paper needs; nothing is predicted.

    Parameters
    ----------
    study : Study
        Finished.
    config : EvaluateConfig
        The settings; `threshold` and `tta` are those of the folds.

    Returns
    -------
    dict
        The content of metrics.json, as it was.

    Raises
    ------
    UserError
        If the study is not a finished cross-validation, or the settings would change it.
    """
    open_study(study.path, CROSSVAL)
    for name, received in (("threshold", config.threshold), ("tta", config.tta if config.tta != "none" else None)):
        if received:
            raise ArgumentError(name, received, "a cross-validation keeps that of its folds: evaluate a fold's run.")
    if not study.metrics.is_file():
        raise RunError(f"{study} is not finished: continue it with `out={study}`, `resume=True`.")
    page, metrics = write_crossval_report(study, folder=config.data), read_json(study.metrics)
    if config.paper:
        files = write_paper(page, config.paper, pooled_methods_sentence(metrics))
        log.info("%d files for a paper: %s", len(files), config.paper)
    text = study.metrics.read_text(encoding="utf-8") if config.json else f"{table(metrics)}\n\nreport: {study.report}"
    log.info("%s", text)
    return metrics
