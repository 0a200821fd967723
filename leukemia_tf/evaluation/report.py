"""Scores of the parts of a run: as metrics.json, and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.bootstrap import RESAMPLES, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import Prediction, arrays

LEAKS = "CAUTION: split by image, patients leak, the scores are too high"
FEW = 5  # patients of a class


def score_part(predictions: Sequence[Prediction], seed: int = 0) -> dict[str, object]:
    """Score one part per cell and per patient (mean probability), with intervals over patients.

    Returns
    -------
    dict
        `{"cells", "patients": {label: count}, "cell": {metric: {"value", "low", "high"}}, "patient": {…}}`.
    """
    labels, probabilities, patients = arrays(predictions)
    return {
        "cells": len(labels),
        "patients": {label: len(np.unique(patients[labels == index])) for index, label in enumerate(LABELS)},
        "cell": score_with_intervals(labels, probabilities, patients, seed),
        "patient": score_with_intervals(*per_patient(labels, probabilities, patients), seed),
    }


def table(part: str, scores: dict, protocol: str) -> str:
    """Return a part's scores as a table, a metric a line."""
    leukemic, healthy = scores["patients"]["all"], scores["patients"]["hem"]
    lines = [
        f"{part}: {scores['cells']} cells of {leukemic} leukemic and {healthy} healthy patients",
        f"({protocol}; 95 % intervals from {RESAMPLES:,} resamples of patients)",
        f"{'':<18} {'per cell':<22} per patient",
    ]
    for name in METRICS:
        columns = [written(scores[unit][name]) for unit in ("cell", "patient")]
        lines.append(f"{name:<18} {columns[0]:<22} {columns[1]}")
    if min(leukemic, healthy) < FEW:
        lines.append(f"caution: resampling fewer than {FEW} patients of a class understates the doubt")
    return "\n".join(lines)


def written(score: dict[str, float], sign: str = "") -> str:
    """Return a score with its interval as text; `sign` "+" for a difference."""
    if score["value"] is None or not np.isfinite(score["value"]):  # None: undefined, out of a JSON file
        return "undefined"
    return f"{score['value']:{sign}.3f} [{score['low']:{sign}.3f}, {score['high']:{sign}.3f}]"
