"""Calibration: the temperature and the decision threshold, fitted on the validation patients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import FEWEST
from leukemia_tf.evaluation.predictions import LABEL_NAMES, sigmoid
from leukemia_tf.evaluation.thresholds import cells_per_patient, choose_threshold, is_number
from leukemia_tf.models.calibration import Calibration, OutOfDistribution

LOWEST, HIGHEST = 0.25, 20.0  # temperatures: separable cells would give 0, and probabilities of 0 and 1


def fit_calibration(
    labels: np.ndarray,
    logits: np.ndarray,
    patients: np.ndarray,
    threshold: str,
    out_of_distribution: OutOfDistribution | None = None,
) -> Calibration:
    """Fit the temperature and the threshold on validation cells, where every patient weighs the same.

    Nothing is fitted on fewer than five patients of a class, and a temperature at a bound of the fit is not taken. The
    temperature is 1 then, the threshold 0.5, and the cautions of the result say why.

    Parameters
    ----------
    labels, logits, patients : numpy.ndarray
        int [n], float [n], str [n] of patient groups; n may be 0.
    threshold : str
        The rule; see `choose_threshold`. A number is taken as it is.
    out_of_distribution : OutOfDistribution, optional
        Stored in the result as it is.
    """
    few, cautions = _too_few(labels, patients), []
    temperature, temperature_range, problem = 1.0, None, few
    if not few:
        temperature, temperature_range, problem = _fit_within_bounds(labels, logits, patients)
    if problem:
        cautions.append(f"The probability is not calibrated (temperature 1): {problem}.")
    if is_number(threshold):
        chosen, threshold_range = float(threshold), None
    elif few:
        chosen, threshold_range = 0.5, None
        cautions.append(f"The threshold is 0.5, and not fitted by the rule {threshold}: {few}.")
    else:
        chosen, threshold_range = _fit_threshold(labels, sigmoid(logits / temperature), patients, threshold)
    return Calibration(temperature, chosen, out_of_distribution, temperature_range, threshold_range, tuple(cautions))


def _too_few(labels: np.ndarray, patients: np.ndarray) -> str:
    """Return why nothing can be fitted on some patients; empty where it can."""
    counts = [len(np.unique(patients[labels == LABELS.index(label)])) for label in LABEL_NAMES]
    if not sum(counts):
        return "there are no validation patients"
    if min(counts) >= FEWEST:
        return ""
    have = " and ".join(f"{count} {name}" for count, name in zip(counts, LABEL_NAMES.values()))
    return f"the validation part has {have} patients, and a fit needs {FEWEST} of each class"


def _fit_within_bounds(
    labels: np.ndarray, logits: np.ndarray, patients: np.ndarray
) -> tuple[float, tuple[float, float] | None, str]:
    """Return the temperature, its jackknife range, and why it is 1 if the fit ends at a bound."""
    temperature = fit_temperature(labels, logits, patients)
    if is_at_bound(temperature):
        why = "errors there are too few to fit it" if temperature < 1 else "the scores there are near chance"
        return 1.0, None, f"the fit on the validation patients ends at its bound, {temperature:.2g}, since {why}"

    def fit(rest: np.ndarray) -> float:
        return fit_temperature(labels[rest], logits[rest], patients[rest])

    return temperature, jackknife_range(fit, patients), ""


def _fit_threshold(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, rule: str
) -> tuple[float, tuple[float, float]]:
    """Return the threshold by a rule, and its jackknife range."""

    def fit(rest: np.ndarray) -> float:
        return choose_threshold(labels[rest], probabilities[rest], rule, patients[rest])

    return fit(np.full(len(labels), True)), jackknife_range(fit, patients)


def is_at_bound(temperature: float) -> bool:
    """Return whether a temperature is one of the bounds of the fit, as it was fitted in this version or an earlier."""
    return any(bool(np.isclose(temperature, bound, rtol=0.02)) for bound in (LOWEST, HIGHEST))


def jackknife_range(fit: Callable[[np.ndarray], float], patients: np.ndarray) -> tuple[float, float]:
    """Return the lowest and the highest fit with one patient left out.

    Parameters
    ----------
    fit : callable
        From the cells that it uses, bool [n], to a number.
    patients : numpy.ndarray
        str [n].
    """
    values = [fit(patients != name) for name in np.unique(patients)]
    return min(values), max(values)


def fit_temperature(labels: np.ndarray, logits: np.ndarray, patients: np.ndarray) -> float:
    """Return the temperature of the highest likelihood, where every patient weighs the same.

    Parameters
    ----------
    labels, logits, patients : numpy.ndarray
        int [n], float [n], str [n].

    Returns
    -------
    float
        0.25-20; exactly a bound if the likelihood is highest there or beyond.

    Notes
    -----
    The likelihood is that of a random cell of a random patient. The classes keep their shares of the patients: a
    temperature has no intercept that could take up other shares, so weights by class would distort it.

    Source: Guo et al. 2017, arXiv:1706.04599.
    """
    weights = 1 / cells_per_patient(patients)
    margins = np.where(labels == 1, -1.0, 1.0) * np.asarray(logits, float)  # above 0 where the prediction is wrong

    def slope(inverse: float) -> float:  # of the loss, which is convex in 1 / temperature
        return float(np.sum(weights * margins * expit(margins * inverse)))

    if slope(1 / HIGHEST) >= 0:
        return HIGHEST
    if slope(1 / LOWEST) <= 0:
        return LOWEST
    return 1 / float(brentq(slope, 1 / HIGHEST, 1 / LOWEST))
