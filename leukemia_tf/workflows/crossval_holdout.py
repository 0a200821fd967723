"""Patients held out before the folds are drawn: every fold's network on them, their vote and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leukemia_tf.core.files import read_json
from leukemia_tf.data.catalog import Cell
from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.predictions import (
    Prediction,
    arrays,
    by_patient_group,
    read_predictions,
    with_probabilities,
    write_predictions,
)
from leukemia_tf.evaluation.scores import score_part, summarize_folds
from leukemia_tf.inference.cells import cell_logits, cell_predictions
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import RunFolder

PART = "holdout"


def score_holdout(
    cells: Sequence[Cell], runs: Sequence[RunFolder], groups: Sequence[Sequence[str]], seed: int
) -> dict[str, Any]:
    """Score held-out cells with every run; the predictions are written into the runs' folders.

    Parameters
    ----------
    cells : sequence of Cell
        Of the held-out patients.
    runs : sequence of RunFolder
        The folds'.
    groups : sequence of sequence of str
        Names of one patient.
    seed : int
        Of the permutation test.

    Returns
    -------
    dict
        `runs` (the scores of each), `over_folds` (mean, sd, variance), `vote` and `mean` (as from `score_part`).
    """
    predictions = [_predictions(run, cells) for run in runs]
    scores = [_row(run, by_patient_group(rows, groups)) for run, rows in zip(runs, predictions)]
    votes = np.array([[row.prediction == "all" for row in rows] for rows in predictions]).mean(0)
    means = np.array([[row.probability for row in rows] for rows in predictions]).mean(0)
    together = {
        name: score_part(by_patient_group(with_probabilities(predictions[0], probabilities), groups), 0.5, seed)
        for name, probabilities in (("vote", votes), ("mean", means))
    }
    return {"runs": scores, "over_folds": summarize_folds(scores), **together}


def _row(run: RunFolder, predictions: Sequence[Prediction]) -> dict[str, Any]:
    threshold = read_json(run.metrics)["decision"]["threshold"]
    scores = all_metrics(*arrays(predictions), threshold=threshold)
    return {"run": run.path.name, **{metric: float(scores[metric][0]) for metric in METRICS}}


def _predictions(run: RunFolder, cells: Sequence[Cell]) -> list[Prediction]:
    """Return a run's predictions, from its folder if they were made before."""
    path = run.predictions(PART)
    if not path.is_file():
        model = load_network(run.model)
        title = f"held out, {run.path.name}"
        logits = cell_logits(model, run.data, cells, run.read_config()["train"], "none", title)
        write_predictions(path, cell_predictions(model, run.data, cells, logits, "none"))
    return read_predictions(path)
