"""Decision thresholds: the rules that there are, and the threshold that follows from one."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_curve

from leukemia_tf.core.errors import ArgumentError

RULES = "a number between 0 and 1, youden, or a rule such as sensitivity:0.95"
DIGITS = 9  # sums of weights that differ in later ones are equal


def check_threshold(rule: str) -> None:
    """Stop at a rule that there is not.

    Raises
    ------
    ArgumentError
        Names the rules that there are.
    """
    kind, _, target = rule.partition(":")
    try:
        value = 0.5 if rule == "youden" else float(target if kind == "sensitivity" else rule)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ArgumentError("threshold", rule, f"it takes {RULES}.")


def is_number(rule: str) -> bool:
    """Return whether a rule is a threshold itself, not to be fitted."""
    return rule.partition(":")[0] not in ("youden", "sensitivity")


def choose_threshold(labels: np.ndarray, probabilities: np.ndarray, rule: str, patients: np.ndarray) -> float:
    """Return the probability at or above which a cell is predicted `all`; every patient of a class weighs the same.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n], str [n].
    rule : str
        A number, returned as it is; `youden` (maximal sensitivity + specificity; Youden 1950); or `sensitivity:S` (the
        highest threshold with a sensitivity of S or more). Both are means over patients.

    Notes
    -----
    Where several thresholds give the same predictions, the result lies half-way to the next lower probability.
    """
    if is_number(rule):
        return float(rule)
    kind, _, target = rule.partition(":")
    weights = 1 / cells_per_patient(patients)
    fpr, tpr, thresholds = roc_curve(labels, probabilities, sample_weight=weights, drop_intermediate=False)
    if kind == "youden":
        place = int(np.argmax(np.round(tpr - fpr, DIGITS)))
    else:
        place = int(np.argmax(np.round(tpr, DIGITS) >= float(target)))
    below = thresholds[place + 1] if place + 1 < len(thresholds) else 0.0
    return float(min(thresholds[place], 1.0) + below) / 2


def cells_per_patient(patients: np.ndarray) -> np.ndarray:
    """Return how many cells each cell's patient has: str [n] -> int [n]."""
    _, index, counts = np.unique(patients, return_inverse=True, return_counts=True)
    return counts[index]
