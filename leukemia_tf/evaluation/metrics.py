"""The metrics, each defined once, for many weightings of the same cells at a time.

A weighting is a row of weights, one a cell: all ones for the score itself, how often each patient was drawn for a
bootstrap resample. Where a metric is undefined (no cell of a class, nothing predicted positive) it is NaN, but for MCC
and kappa of a constant prediction, which are 0 as in scikit-learn.
"""

from __future__ import annotations

import numpy as np

METRICS = (
    *("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "f_beta", "weighted_f1"),
    *("cohen_kappa", "mcc", "auroc", "auroc_by_patient", "auprc", "brier", "ece"),
)
BETA = 2  # of F-beta: sensitivity counts twice as much as PPV
BINS = 10  # of the expected calibration error


def all_metrics(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    weights: np.ndarray | None = None,
    threshold: float = 0.5,
) -> dict[str, np.ndarray]:
    """Compute every metric under every weighting.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], 1 for `all`, 0 for `hem`.
    probabilities : numpy.ndarray
        float [n], 0-1, of `all`.
    patients : numpy.ndarray
        str [n].
    weights : numpy.ndarray, optional
        float [b, n]; one row of ones by default.
    threshold : float
        A cell counts as `all` at this probability or more.

    Returns
    -------
    dict of str to numpy.ndarray
        float [b] by metric's name.
    """
    labels = np.asarray(labels)
    weights = np.ones((1, len(labels))) if weights is None else np.asarray(weights, float)
    positive, said = labels == 1, np.asarray(probabilities) >= threshold
    with np.errstate(divide="ignore", invalid="ignore"):
        counts = (weights[:, positive == p] @ (said[positive == p] == s) for p, s in ((1, 1), (1, 0), (0, 1), (0, 0)))
        by_patient = weights / _cells_of_patient(patients, labels)
        return {
            **_confusion_metrics(*counts),
            "auroc": auroc(labels, probabilities, weights),
            "auroc_by_patient": auroc(labels, probabilities, by_patient),
            "auprc": average_precision(labels, probabilities, weights),
            "brier": weights @ (probabilities - labels) ** 2 / weights.sum(1),
            "ece": calibration_error(labels, probabilities, weights),
        }


def _confusion_metrics(tp: np.ndarray, fn: np.ndarray, fp: np.ndarray, tn: np.ndarray) -> dict[str, np.ndarray]:
    total = tp + fn + fp + tn
    sensitivity, specificity = tp / (tp + fn), tn / (tn + fp)
    accuracy = (tp + tn) / total
    f1_all, f1_hem = 2 * tp / (2 * tp + fp + fn), 2 * tn / (2 * tn + fp + fn)
    by_chance = ((tp + fn) * (tp + fp) + (tn + fp) * (tn + fn)) / total**2
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return {
        "accuracy": accuracy,
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "f1": f1_all,
        "f_beta": (1 + BETA**2) * tp / ((1 + BETA**2) * tp + BETA**2 * fn + fp),
        "weighted_f1": (np.nan_to_num(f1_all) * (tp + fn) + np.nan_to_num(f1_hem) * (tn + fp)) / total,
        "cohen_kappa": np.where(by_chance == 1, 0.0, (accuracy - by_chance) / (1 - by_chance)),
        "mcc": np.where(spread == 0, 0.0, (tp * tn - fp * fn) / spread),
    }


def _cells_of_patient(patients: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many cells of its class each cell's patient has."""
    _, index = np.unique(patients, return_inverse=True)
    _, index, count = np.unique(2 * index + labels, return_inverse=True, return_counts=True)
    return count[index]


def _by_threshold(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of positives and of negatives at each distinct score, from the highest: float [b, k] each."""
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    weights, positive = weights[:, order], labels[order] == 1
    return np.add.reduceat(weights * positive, starts, 1), np.add.reduceat(weights * ~positive, starts, 1)


def auroc(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted area under the ROC curve, ties counted half; float [b]."""
    positives, negatives = _by_threshold(labels, scores, weights)
    below = negatives.sum(1, keepdims=True) - np.cumsum(negatives, 1)
    return (positives * (below + negatives / 2)).sum(1) / (positives.sum(1) * negatives.sum(1))


def auroc_standard_error(area: float, positives: int, negatives: int) -> float:
    """Return how far an area under the ROC curve may be off by the chance of who was drawn.

    Parameters
    ----------
    area : float
        0-1.
    positives, negatives : int
        Independent cases of either class; here patients.

    Source: Hanley & McNeil 1982, Radiology 143:29-36.
    """
    twice_positive, twice_negative = area / (2 - area), 2 * area**2 / (1 + area)
    spread = (positives - 1) * (twice_positive - area**2) + (negatives - 1) * (twice_negative - area**2)
    return float(np.sqrt(max(0.0, area * (1 - area) + spread) / (positives * negatives)))


def average_precision(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted average precision (area under the precision-recall steps); float [b]."""
    positives, negatives = _by_threshold(labels, scores, weights)
    hits = np.cumsum(positives, 1)
    found = hits + np.cumsum(negatives, 1)
    precision = np.divide(hits, found, out=np.zeros_like(hits), where=found > 0)
    return (precision * positives).sum(1) / positives.sum(1)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the expected calibration error over equal bins of the probability of `all`; float [b].

    Source: Naeini, Cooper & Hauskrecht 2015, AAAI.
    """
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    gap = (probabilities - labels)[:, None] * (bins[:, None] == np.arange(BINS))
    return np.abs(weights @ gap).sum(1) / weights.sum(1)
