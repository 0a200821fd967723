"""Calibration: the temperature and the decision threshold, fitted on the validation part."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.metrics import roc_curve

from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.datasets import classes
from leukemia_tf.evaluation.predictions import sigmoid
from leukemia_tf.models.calibration import Calibration, OutOfDistribution

log = logging.getLogger("leukemia_tf")

LOWEST, HIGHEST = 0.25, 20.0  # temperatures: a few separable cells would give 0, and probabilities of 0 and 1


def fit_calibration(
    cells: Sequence[Cell], logits: np.ndarray | None, threshold: str, out_of_distribution: OutOfDistribution | None
) -> Calibration:
    """Fit the temperature and the threshold on validation cells.

    Where a class is missing, the temperature is 1, and a threshold that needs fitting is 0.5.

    Parameters
    ----------
    cells : sequence of Cell
        The validation part, [n].
    logits : numpy.ndarray or None
        float [n]; None if there are no cells.
    threshold : str
        The rule; see `choose_threshold`.
    out_of_distribution : OutOfDistribution or None
        Stored in the result as it is.
    """
    missing = set(LABELS) - {cell.label for cell in cells}
    if missing or logits is None:
        return _uncalibrated(missing, threshold, out_of_distribution)
    labels = classes(cells)
    temperature = fit_temperature(labels, logits)
    chosen = choose_threshold(labels, sigmoid(logits / temperature), threshold)
    return Calibration(temperature, chosen, out_of_distribution)


def _uncalibrated(missing: set[str], threshold: str, out_of_distribution: OutOfDistribution | None) -> Calibration:
    is_number = threshold.replace(".", "", 1).isdecimal()
    instead = "" if is_number else f", and `threshold={threshold}` cannot be fitted: it is 0.5"
    log.warning("WARNING: the validation part lacks %s: no temperature%s", " and ".join(sorted(missing)), instead)
    return Calibration(1.0, float(threshold) if is_number else 0.5, out_of_distribution)


def fit_temperature(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the temperature of the highest likelihood, 0.25-20.

    Parameters
    ----------
    labels, logits : numpy.ndarray
        int [n], float [n].

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    margins = np.where(labels == 1, -1.0, 1.0) * np.asarray(logits, float)  # above 0 where the prediction is wrong

    def negative_log_likelihood(log_temperature: float) -> float:
        return float(np.logaddexp(0, margins / np.exp(log_temperature)).mean())

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    return float(np.exp(minimize_scalar(negative_log_likelihood, bounds=bounds, method="bounded").x))


def choose_threshold(labels: np.ndarray, probabilities: np.ndarray, rule: str) -> float:
    """Return the probability at or above which a cell is predicted `all`.

    Parameters
    ----------
    labels, probabilities : numpy.ndarray
        int [n], float [n].
    rule : str
        A number, returned as it is; `youden` (maximal sensitivity + specificity; Youden 1950); or `sensitivity:S` (the
        highest threshold with a sensitivity of S or more).

    Notes
    -----
    Where several thresholds give the same predictions, the result lies half-way to the next lower probability.
    """
    kind, _, target = rule.partition(":")
    if kind not in ("youden", "sensitivity"):
        return float(rule)
    fpr, tpr, thresholds = roc_curve(labels, probabilities, drop_intermediate=False)
    index = int(np.argmax(tpr - fpr if kind == "youden" else tpr >= float(target)))
    below = thresholds[index + 1] if index + 1 < len(thresholds) else 0.0
    return float(min(thresholds[index], 1.0) + below) / 2
