"""The result of a cross-validation: folds checked, pooled, scored, drawn."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.config import CrossvalConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import read_json, write_json
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.folds import FoldTable
from leukemia_tf.data.patient_groups import groups_by_patient, patient_group_names
from leukemia_tf.evaluation.area_comparison import compare_with_area
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import Prediction, by_patient_group, read_predictions, write_predictions
from leukemia_tf.evaluation.scores import LEAK_WARNING, score_part, summarize_folds
from leukemia_tf.reporting.wrong_cells import compare_wrong_predictions, measure_cells
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.workflows.crossval_holdout import score_holdout
from leukemia_tf.workflows.crossval_page import write_crossval_report
from leukemia_tf.workflows.crossval_table import table

log = logging.getLogger("leukemia_tf")

Runs = Mapping[tuple[int, int], RunFolder]  # by seed and fold
FoldMetrics = Mapping[tuple[int, int], dict[str, Any]]  # contents of metrics.json, by seed and fold


def report(
    study: Study, config: CrossvalConfig, folds: FoldTable, runs: Runs, areas: Mapping[str, int]
) -> dict[str, Any]:
    """Score finished folds: write predictions, metrics.json, figures and report.html, and log a table.

    Parameters
    ----------
    study : Study
        Where to write.
    config : CrossvalConfig
        The settings.
    folds : FoldTable
        The test fold of each cell.
    runs : mapping
        The finished runs, by seed and fold.
    areas : mapping
        Each cell's area in pixels, by its path.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    RunError
        If a fold was tested on other cells than it was drawn for, or trained on a test patient: nothing is written.
    """
    data = study.read_config()["data"]
    groups = data["same_patients"]
    check_folds(folds, runs, groups, leaks=config.split == "image")
    of_fold = {key: read_json(run.metrics) for key, run in runs.items()}
    metrics = _head(config, folds, data["name"])
    for seed in folds.by_seed:
        metrics["parts"][f"seed-{seed}"] = _score_seed(
            study, config, *_pool(folds, runs, of_fold, seed), groups, areas, seed
        )
    metrics["runs"] = [_row(*key, run, of_fold[key]) for key, run in runs.items()]
    metrics["over_folds"] = summarize_folds(metrics["runs"])
    if config.holdout:
        held_out = [cell for cell, fold in zip(folds.cells, folds.by_seed[config.seed]) if fold is None]
        metrics["holdout"] = score_holdout(held_out, list(runs.values()), groups, config.seed)
    path = write_json(study.metrics, metrics)
    write_crossval_report(study, areas)
    if config.json:
        log.info("%s", path.read_text(encoding="utf-8"))
    else:
        log.info("%s\n\nfolder: %s", table(metrics), study)
    return metrics


def check_folds(folds: FoldTable, runs: Runs, groups: Sequence[Sequence[str]], leaks: bool = False) -> None:
    """Stop if a run was tested on other cells than its fold's, or trained on a test patient or a held-out patient.

    Parameters
    ----------
    folds : FoldTable
        The test fold of each cell.
    runs : mapping
        By seed and fold.
    groups : sequence of sequence of str
        Names of one patient.
    leaks : bool
        Whether the folds are by image, which leaks patients on purpose.
    """
    group_of = groups_by_patient(groups)
    patient_of = dict(zip((cell.path for cell in folds.cells), patient_group_names(folds.cells, group_of).tolist()))
    for (seed, fold), run in runs.items():
        cells = read_cells(run.cells)
        fold_of = dict(zip((cell.path for cell in folds.cells), folds.by_seed[seed]))
        test = {cell.path for cell in cells if cell.split == "test"}
        if test != {path for path, number in fold_of.items() if number == fold}:
            raise RunError(
                f"{run} was tested on other cells than fold {fold} was drawn for: delete it, and continue the "
                "cross-validation with `resume=True`."
            )
        held_out = {patient_of[path] for path, number in fold_of.items() if number is None}
        unseen = held_out if leaks else held_out | {patient_of[path] for path in test}
        seen = patient_group_names([cell for cell in cells if cell.split in ("train", "val")], group_of)
        leaked = sorted(unseen & set(seen.tolist()))
        if leaked:
            raise RunError(f"leak: {run} was trained on its test patient {leaked[0]}. Nothing is reported.")


def _head(config: CrossvalConfig, folds: FoldTable, data: str) -> dict[str, Any]:
    """Return what metrics.json says before the scores."""
    return {
        "protocol": config.split,
        **({"caution": LEAK_WARNING} if config.split == "image" else {}),
        "folds": config.folds,
        "seeds": list(folds.by_seed),
        "validation": config.validation,
        "data": data,
        "permutation_seed": config.seed,
        "parts": {},
    }


def _pool(folds: FoldTable, runs: Runs, of_fold: FoldMetrics, seed: int) -> tuple[list[Prediction], np.ndarray]:
    """Return each cell's out-of-fold prediction, and the threshold of its fold: float [n]."""
    pooled: dict[str, tuple[Prediction, float]] = {}
    for key, run in runs.items():
        if key[0] == seed:
            threshold = of_fold[key]["decision"]["threshold"]
            pooled |= {row.path: (row, threshold) for row in read_predictions(run.predictions("test"))}
    pairs = [pooled[cell.path] for cell in folds.cells if cell.path in pooled]
    return [row for row, _ in pairs], np.array([threshold for _, threshold in pairs])


def _score_seed(
    study: Study,
    config: CrossvalConfig,
    predictions: Sequence[Prediction],
    thresholds: np.ndarray,
    groups: Sequence[Sequence[str]],
    areas: Mapping[str, int],
    seed: int,
) -> dict[str, Any]:
    """Write and draw the out-of-fold predictions of a seed, and return their scores beside those of cell area."""
    write_predictions(study.predictions(f"seed-{seed}"), predictions)
    rows = by_patient_group(predictions, groups)
    scores = score_part(rows, thresholds, config.seed)
    shapes = measure_cells(rows, Path(study.read_config()["data"]["folder"]))
    scores["wrong_cells"] = compare_wrong_predictions(shapes, rows)
    by_area = np.array([areas[row.path] for row in rows], float)
    return scores | {"compared_with_area": compare_with_area(rows, by_area)}


def _row(seed: int, fold: int, run: RunFolder, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of one fold."""
    test, history = metrics["parts"]["test"], run.read_history()
    return {
        "seed": seed,
        "fold": fold,
        "run": run.path.name,
        "cells": test["cells"],
        "patients": test["patients"],
        "epochs": len(history),
        "seconds": sum(float(row["seconds"]) for row in history),
        **{metric: test["cell"][metric]["value"] for metric in METRICS},
    }
