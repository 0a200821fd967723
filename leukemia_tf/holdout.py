"""Patients set aside before the folds were drawn: every fold's network on them, their vote and their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.predictions import (
    Prediction,
    arrays,
    by_person,
    read_predictions,
    said_anew,
    write_predictions,
)
from leukemia_tf.evaluation.scores import score_part, spread
from leukemia_tf.files import read_json
from leukemia_tf.judge import answers_of, logits_of
from leukemia_tf.models.network import load_network
from leukemia_tf.run import RunFolder

PART = "holdout"


def score_holdout(
    cells: Sequence[Cell], runs: Mapping[object, RunFolder], same: Sequence[Sequence[str]], seed: int
) -> dict[str, object]:
    """Judge the cells that were set aside by every run; predictions are kept in the runs' folders.

    Parameters
    ----------
    cells : sequence of Cell
        Of the patients set aside.
    runs : mapping of RunFolder
        The folds'.
    same : sequence of sequence of str
        Names of one person.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `runs` (a row of scores each), `over_folds` (mean, sd, variance), `vote` and `mean` (as from `score_part`).
    """
    told, rows = [_predictions(run, cells) for run in runs.values()], []
    for run, own in zip(runs.values(), told):
        threshold = read_json(run.metrics)["decision"]["threshold"]
        scores = all_metrics(*arrays(by_person(own, same)), threshold=threshold)
        rows.append({"run": run.path.name, **{metric: float(scores[metric][0]) for metric in METRICS}})
    votes = np.array([[row.prediction == "all" for row in own] for own in told]).mean(0)
    means = np.array([[row.probability for row in own] for own in told]).mean(0)
    return {
        "runs": rows,
        "over_folds": spread(rows),
        "vote": score_part(by_person(said_anew(told[0], votes), same), 0.5, seed),
        "mean": score_part(by_person(said_anew(told[0], means), same), 0.5, seed),
    }


def _predictions(run: RunFolder, cells: Sequence[Cell]) -> list[Prediction]:
    """Return what a run says of cells, from its folder if it has said it before."""
    path = run.predictions(PART)
    if not path.is_file():
        model = load_network(run.model)
        logits = logits_of(model, run.data, cells, run.read_config()["train"], "none", f"set aside, {run.path.name}")
        write_predictions(path, answers_of(model, run.data, cells, logits, "none"))
    return read_predictions(path)
