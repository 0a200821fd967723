"""What the validation part says of probabilities: how far to trust them, and where to draw the line."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_curve

COLDEST, HOTTEST = 0.25, 20.0  # few cells must not turn sureness into certainty


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the temperature at which the probabilities are the likeliest, 0.25-20.

    Parameters
    ----------
    labels, logits : numpy.ndarray
        int [n], float [n].

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    away = np.where(labels == 1, -1.0, 1.0) * np.asarray(logits, float)  # from the truth

    def surprise(log_temperature: float) -> float:
        return float(np.logaddexp(0, away / np.exp(log_temperature)).mean())

    found = minimize_scalar(surprise, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def choose_threshold(labels: np.ndarray, probabilities: np.ndarray, rule: str) -> float:
    """Return the probability from which a cell counts as `all`.

    Parameters
    ----------
    labels, probabilities : numpy.ndarray
        int [n], float [n].
    rule : str
        A number, which is taken as it is; `youden` (the highest sensitivity and specificity together; Youden 1950); or
        `sensitivity:S` (the highest threshold at which that share of the leukemic cells is found).

    Notes
    -----
    Where several thresholds do alike, the line is drawn half-way down to the next cell that was not found.
    """
    kind, _, wanted = rule.partition(":")
    if kind not in ("youden", "sensitivity"):
        return float(rule)
    alarms, found, thresholds = roc_curve(labels, probabilities, drop_intermediate=False)
    place = int(np.argmax(found - alarms if kind == "youden" else found >= float(wanted)))
    below = thresholds[place + 1] if place + 1 < len(thresholds) else 0.0
    return float(min(thresholds[place], 1.0) + below) / 2
