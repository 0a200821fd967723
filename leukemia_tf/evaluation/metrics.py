"""The metrics, each defined once, for many weightings of the same patients at a time.

A weighting says how often each patient counts: once for the score itself, as often as drawn for a bootstrap resample.
Where a metric is undefined (no cell of a class, nothing predicted positive) it is NaN, but for MCC and kappa of a
constant prediction, which are 0 as in scikit-learn.
"""

from __future__ import annotations

import numpy as np

METRICS = (
    *("accuracy", "balanced_accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "f_beta", "weighted_f1"),
    *("cohen_kappa", "mcc", "auroc", "auroc_by_patient", "auprc", "brier", "ece", "macro_accuracy", "worst_accuracy"),
)
BETA = 2  # of F-beta: sensitivity counts twice as much as PPV
BINS = 10  # of the expected calibration error
AT_A_TIME = 1 << 20  # weights of cells, so that they stay in the processor's cache


def all_metrics(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    drawn: np.ndarray | None = None,
    threshold: float | np.ndarray = 0.5,
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
    drawn : numpy.ndarray, optional
        float [b, p]: how often each patient counts, in the order of `numpy.unique`; once by default.
    threshold : float or numpy.ndarray
        A cell counts as `all` at this probability or more; one for all, or float [n].

    Returns
    -------
    dict of str to numpy.ndarray
        float [b] by metric's name; `macro_accuracy` is the mean, `worst_accuracy` the least of the patients' own.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    names, owner = np.unique(patients, return_inverse=True)
    drawn = np.ones((1, len(names))) if drawn is None else np.asarray(drawn, float)
    positive, said = labels == 1, probabilities >= threshold
    outcomes = _summed(owner, 2 * ~positive + (said != positive), 4)  # found, missed, cleared, alarmed
    cells = outcomes.sum(1)
    gaps = _summed(owner, bin_of(probabilities), BINS, probabilities - labels)
    squares = np.bincount(owner, (probabilities - labels) ** 2)
    wins = _wins(positive, probabilities, owner)
    of_class = np.stack([outcomes[:, :2].sum(1), outcomes[:, 2:].sum(1)])
    right = (outcomes[:, 0] + outcomes[:, 2]) / cells
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            **_confusion_metrics(*(drawn @ outcomes).T),
            "auroc": _area(wins, of_class, drawn),
            "auroc_by_patient": _area(wins / np.maximum(np.outer(*of_class), 1), of_class > 0, drawn),
            "auprc": average_precision(labels, probabilities, owner, drawn),
            "brier": drawn @ squares / (drawn @ cells),
            "ece": np.abs(drawn @ gaps).sum(1) / (drawn @ cells),
            "macro_accuracy": drawn @ right / drawn.sum(1),
            "worst_accuracy": np.where(drawn > 0, right, np.inf).min(1),
        }


def bin_of(probabilities: np.ndarray) -> np.ndarray:
    """Return in which bin of the calibration error each probability lies: float [n] -> int [n] of 0 to BINS - 1."""
    return np.minimum((probabilities * BINS).astype(int), BINS - 1)


def _summed(owner: np.ndarray, column: np.ndarray, columns: int, values: np.ndarray | None = None) -> np.ndarray:
    """Add up values (ones by default) by patient and column: float [p, columns]."""
    size = (owner.max() + 1) * columns
    return np.bincount(owner * columns + column, values, size).astype(float).reshape(-1, columns)


def _wins(positive: np.ndarray, scores: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Count how often a positive cell of one patient scores above a negative of another, ties half: float [p, p]."""
    levels, level = np.unique(scores, return_inverse=True)
    at = _summed(owner, level, len(levels), positive.astype(float))
    others = _summed(owner, level, len(levels), 1.0 - positive)
    return at @ (np.cumsum(others, 1) - others / 2).T


def _area(wins: np.ndarray, of_class: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve: the share of pairs that are won; float [b]."""
    return (drawn @ wins * drawn).sum(1) / ((drawn @ of_class[0]) * (drawn @ of_class[1]))


def _confusion_metrics(tp: np.ndarray, fn: np.ndarray, tn: np.ndarray, fp: np.ndarray) -> dict[str, np.ndarray]:
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


def average_precision(labels: np.ndarray, scores: np.ndarray, owner: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return the average precision (area under the precision-recall steps).

    Parameters
    ----------
    labels, scores, owner : numpy.ndarray
        int [n], float [n], and int [n]: each cell's patient.
    drawn : numpy.ndarray
        float [b, p]: how often each patient counts.

    Returns
    -------
    numpy.ndarray
        float [b].
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    owner, positive = owner[order], labels[order] == 1
    rows = max(1, AT_A_TIME // len(labels))
    areas = []
    for start in range(0, len(drawn), rows):
        weights = drawn[start : start + rows, owner]
        positives, everyone = (np.add.reduceat(part, starts, 1) for part in (weights * positive, weights))
        found = np.cumsum(everyone, 1)
        precision = np.divide(np.cumsum(positives, 1), found, out=np.zeros_like(found), where=found > 0)
        areas.append((precision * positives).sum(1) / positives.sum(1))
    return np.concatenate(areas)
