"""Scores of the parts of a run: as in metrics.json, and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.bootstrap import RESAMPLES, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import LABEL_NAMES, UNLIKE, Prediction, arrays, sigmoid

LEAK_WARNING = "CAUTION: split by image, patients leak, the scores are too high"
MIN_PATIENTS = 10  # of a class: with fewer a score is uncertain
UNITS = {"cell": "over cells", "patient": "over patients (mean)", "patient_vote": "over patients (vote)"}
NO_INTERVAL = "[no interval]"
NOT_OVER_PATIENTS = ("auroc_by_patient", "macro_accuracy", "worst_accuracy")  # weigh the patients of the cells


def score_part(predictions: Sequence[Prediction], threshold: float | np.ndarray = 0.5, seed: int = 0) -> dict[str, Any]:
    """Score one part with intervals over patients: per cell, and per patient by mean probability and majority vote.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`.
    threshold : float or numpy.ndarray
        A cell is predicted `all` at this probability or more; float [n] where several folds' networks predicted.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `cells` and `unlike_training` (counts), `patients` (count by label); `cell`, `patient` (from the mean
        probability) and `patient_vote` (from the share of cells predicted `all`), each `{metric: {"value", "low",
        "high"}}`; `uncalibrated` (Brier score and ECE at temperature 1).
    """
    labels, probabilities, patients = arrays(predictions)
    thresholds = np.broadcast_to(threshold, len(labels))
    positive = (probabilities >= thresholds).astype(float)
    mean_thresholds = per_patient(labels, thresholds, patients)[1]
    raw = score_with_intervals(labels, sigmoid(np.array([row.logit for row in predictions])), patients, seed)
    return {
        "cells": len(labels),
        "unlike_training": sum(row.status == UNLIKE for row in predictions),
        "patients": {label: len(np.unique(patients[labels == index])) for index, label in enumerate(LABELS)},
        "cell": score_with_intervals(labels, probabilities, patients, seed, threshold=thresholds),
        "patient": score_with_intervals(
            *per_patient(labels, probabilities, patients), seed=seed, threshold=mean_thresholds
        ),
        "patient_vote": score_with_intervals(*per_patient(labels, positive, patients), seed=seed),
        "uncalibrated": {name: raw[name] for name in ("brier", "ece")},
    }


def summarize_folds(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return each metric's mean, standard deviation and variance over the folds where it is defined.

    Parameters
    ----------
    rows : sequence of mapping
        One per fold, with a value by metric; None or NaN where undefined.
    """
    return {metric: _moments([row[metric] for row in rows if row[metric] is not None]) for metric in METRICS}


def _moments(values: Sequence[float]) -> dict[str, float]:
    finite = np.array(values, float)
    finite = finite[np.isfinite(finite)]
    mean = float(finite.mean()) if len(finite) else np.nan
    sd = float(finite.std(ddof=1)) if len(finite) > 1 else np.nan
    return {"mean": mean, "sd": sd, "variance": sd**2, "folds": len(finite)}


def count_text(scores: Mapping[str, Any]) -> str:
    """Return which cells and patients a part's scores are from."""
    counts = " and ".join(f"{scores['patients'][label]} {name}" for label, name in LABEL_NAMES.items())
    return f"{scores['cells']:,} cells of {counts} patients"


def score_table(part: str, scores: Mapping[str, Any], protocol: str) -> str:
    """Return a part's scores as a table, one metric per line."""
    lines = [
        f"{part}: {count_text(scores)}",
        f"({protocol}; 95 % intervals from {RESAMPLES:,} bootstrap resamples of patients)",
        _line("", UNITS.values()),
    ]
    for name, metric in METRICS.items():
        lines.append(_line(metric.title, score_texts(scores, name)))
    if scores["unlike_training"]:
        lines.append(f"{scores['unlike_training']} of the cells are unlike the training cells; they are in the scores")
    return "\n".join(lines)


def score_texts(scores: Mapping[str, Any], metric: str) -> list[str]:
    """Return a metric's text in each of `UNITS`; empty where it means nothing there, or repeats another number."""
    return [format_score(scores[unit][metric]) if _is_meant(metric, unit) else "" for unit in UNITS]


def _is_meant(metric: str, unit: str) -> bool:
    if unit == "patient_vote" and metric in ("brier", "ece"):
        return False  # a share of votes is no probability
    return unit == "cell" or metric not in NOT_OVER_PATIENTS


def _line(title: str, columns: Iterable[str]) -> str:
    return f"{title:<30}{''.join(f'{column:<24}' for column in columns)}".rstrip()


def format_score(score: Mapping[str, float | None], sign: str = "", digits: int = 3) -> str:
    """Return a score with its interval as text; `sign` "+" for a difference, `digits` after the point."""
    value, low, high = score["value"], score["low"], score["high"]
    if value is None or not np.isfinite(value):  # None: undefined, from a JSON file
        return "undefined"
    if low is None or high is None or not np.isfinite(low):
        return f"{value:{sign},.{digits}f} {NO_INTERVAL}"
    return f"{value:{sign},.{digits}f} [{low:{sign},.{digits}f}, {high:{sign},.{digits}f}]"
