"""Scores of the parts of a run: as metrics.json, and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.bootstrap import RESAMPLES, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import UNLIKE, Prediction, arrays, sigmoid

LEAKS = "CAUTION: split by image, patients leak, the scores are too high"
FEW = 10  # patients of a class: with fewer the intervals miss the truth far too often
UNITS = ("cell", "patient", "patient_vote")


def score_part(
    predictions: Sequence[Prediction], threshold: float | np.ndarray = 0.5, seed: int = 0
) -> dict[str, object]:
    """Score one part, with intervals over patients: by cell, and by patient, both by mean and by majority vote.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_person`.
    threshold : float or numpy.ndarray
        From which probability a cell counts as `all`; float [n] where networks of several folds answered.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `{"cells", "patients": {label: count}, "cell": {metric: {"value", "low", "high"}}, "patient": {…} (by the mean
        probability), "patient_vote": {…} (by the share of the cells that count as `all`), "uncalibrated": {"brier",
        "ece"} (of the raw logit's probability)}`.
    """
    labels, probabilities, patients = arrays(predictions)
    lines = np.broadcast_to(threshold, len(labels))
    said = (probabilities >= lines).astype(float)
    raw = sigmoid(np.array([prediction.logit for prediction in predictions]))
    before = score_with_intervals(labels, raw, patients, seed)
    return {
        "cells": len(labels),
        "unlike_training": sum(prediction.status == UNLIKE for prediction in predictions),
        "patients": {label: len(np.unique(patients[labels == index])) for index, label in enumerate(LABELS)},
        "cell": score_with_intervals(labels, probabilities, patients, seed, threshold=lines),
        "patient": score_with_intervals(
            *per_patient(labels, probabilities, patients), seed, threshold=per_patient(labels, lines, patients)[1]
        ),
        "patient_vote": score_with_intervals(*per_patient(labels, said, patients), seed),
        "uncalibrated": {name: before[name] for name in ("brier", "ece")},
    }


def spread(rows: Sequence[dict]) -> dict[str, dict[str, float]]:
    """Return each metric's mean, standard deviation and variance over folds, of those where it is defined."""
    found = {}
    for metric in METRICS:
        values = np.array([row[metric] for row in rows if row[metric] is not None], float)
        values = values[np.isfinite(values)]
        sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
        mean = float(values.mean()) if len(values) else np.nan
        found[metric] = {"mean": mean, "sd": sd, "variance": sd**2, "folds": len(values)}
    return found


def table(part: str, scores: dict, protocol: str) -> str:
    """Return a part's scores as a table, a metric a line."""
    leukemic, healthy = scores["patients"]["all"], scores["patients"]["hem"]
    lines = [
        f"{part}: {scores['cells']} cells of {leukemic} leukemic and {healthy} healthy patients",
        f"({protocol}; 95 % intervals from {RESAMPLES:,} resamples of patients)",
        f"{'':<18} {'per cell':<22} {'per patient (mean)':<22} per patient (vote)",
    ]
    for name in METRICS:
        columns = [written(scores[unit][name]) for unit in UNITS]
        lines.append(f"{name:<18} {columns[0]:<22} {columns[1]:<22} {columns[2]}")
    if scores["unlike_training"]:
        lines.append(f"{scores['unlike_training']} of the cells are unlike the training cells; they are in the scores")
    if min(leukemic, healthy) < FEW:
        lines.append(f"caution: resampling fewer than {FEW} patients of a class understates the doubt")
    return "\n".join(lines)


def written(score: dict[str, float], sign: str = "") -> str:
    """Return a score with its interval as text; `sign` "+" for a difference."""
    if score["value"] is None or not np.isfinite(score["value"]):  # None: undefined, out of a JSON file
        return "undefined"
    if score["low"] is None or not np.isfinite(score["low"]):
        return f"{score['value']:{sign}.3f} [no interval]"
    return f"{score['value']:{sign}.3f} [{score['low']:{sign}.3f}, {score['high']:{sign}.3f}]"
