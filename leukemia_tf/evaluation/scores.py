"""Scores of the parts of a run: as in metrics.json, and as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import FEWEST, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.patient_table import patient_table, table_lines
from leukemia_tf.evaluation.permutation import permutation_p
from leukemia_tf.evaluation.predictions import LABEL_NAMES, UNLIKE, Prediction, arrays, sigmoid

LEAK_WARNING = "CAUTION: split by image, patients leak, the scores are too high"
MIN_PATIENTS = 10  # of a class: with fewer a score is uncertain, and a permutation test stands beside the intervals
INTERVALS = "95 % t intervals over patients, after Obuchowski 1997; of shares of patients Clopper and Pearson's"
NO_INTERVAL = "[no interval]"
NO_INTERVAL_REASON = (
    f"fewer than {FEWEST} patients of a class; or a minimum, a score that is undefined without one of them, or a "
    "difference that none of them makes"
)
SHOWN_PATIENTS = 12  # in the terminal
UNITS = {"cell": "over cells", "patient": "over patients (mean)", "patient_vote": "over patients (vote)"}
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
        Of the permutation test.

    Returns
    -------
    dict
        `cells` and `unlike_training` (counts), `patients` (count by label); `cell`, `patient` (from the mean
        probability) and `patient_vote` (from the share of cells predicted `all`), each `{metric: {"value", "low",
        "high"}}`; `uncalibrated` (Brier score and ECE at temperature 1); `permutation_p` (of the AUROC by patient, with
        5 to 9 patients of a class; else None); `by_patient` (as from `patient_table`).
    """
    labels, probabilities, patients = arrays(predictions)
    thresholds = np.broadcast_to(threshold, len(labels))
    positive = (probabilities >= thresholds).astype(float)
    mean_thresholds = per_patient(labels, thresholds, patients)[1]
    raw = score_with_intervals(labels, sigmoid(np.array([row.logit for row in predictions])), patients)
    counts = {label: len(np.unique(patients[labels == index])) for index, label in enumerate(LABELS)}
    few = FEWEST <= min(counts.values()) < MIN_PATIENTS
    return {
        "cells": len(labels),
        "unlike_training": sum(row.status == UNLIKE for row in predictions),
        "patients": counts,
        "cell": score_with_intervals(labels, probabilities, patients, thresholds),
        "patient": score_with_intervals(*per_patient(labels, probabilities, patients), mean_thresholds),
        "patient_vote": score_with_intervals(*per_patient(labels, positive, patients)),
        "uncalibrated": {name: raw[name] for name in ("brier", "ece")},
        "permutation_p": permutation_p(labels, probabilities, patients, seed) if few else None,
        "by_patient": patient_table(predictions, thresholds),
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
        f"({protocol}; {INTERVALS})",
        _line("", UNITS.values()),
    ]
    for name, metric in METRICS.items():
        lines.append(_line(metric.title, score_texts(scores, name)))
    if scores["unlike_training"]:
        lines.append(f"{scores['unlike_training']} of the cells are unlike the training cells; they are in the scores")
    return "\n".join([*lines, *interval_notes(scores, "\n".join(lines))])


def interval_notes(scores: Mapping[str, Any], text: str) -> list[str]:
    """Return the lines below a table of a part's scores: why intervals are missing, the patients, the permutation test.

    Parameters
    ----------
    scores : mapping
        As from `score_part`.
    text : str
        The table.
    """
    lines = footnote(text)
    if scores.get("permutation_p") is not None:
        lines.append(permutation_text(scores))
    if min(scores["patients"].values()) < FEWEST and scores.get("by_patient"):
        shown = scores["by_patient"][:SHOWN_PATIENTS]
        lines += ["", *table_lines(shown)]
        if len(shown) < len(scores["by_patient"]):
            lines.append(f"… and {len(scores['by_patient']) - len(shown)} patients with fewer cells: metrics.json")
    return lines


def footnote(text: str) -> list[str]:
    """Return the line that says why a text has scores without intervals, if it has."""
    return [f"{NO_INTERVAL}: {NO_INTERVAL_REASON}"] if NO_INTERVAL in text else []


def permutation_text(scores: Mapping[str, Any]) -> str:
    """Return the permutation test of a part's AUROC by patient as a sentence."""
    p = scores["permutation_p"]
    return f"AUROC by patient as high or higher in {p:.2g} of the permutations of the patients' labels (p, one-sided)"


def score_texts(scores: Mapping[str, Any], metric: str) -> list[str]:
    """Return a metric's text in each of `UNITS`; empty where it means nothing there, or repeats another number."""
    return [format_score(scores[unit][metric]) if _is_meant(metric, unit) else "" for unit in UNITS]


def title_over_cells(metric: str) -> str:
    """Return a metric's name over cells, such as `AUROC over cells`; `AUROC by patient` says its unit itself."""
    title = METRICS[metric].title
    return title if metric in NOT_OVER_PATIENTS else f"{title} {UNITS['cell']}"


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
