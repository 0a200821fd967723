"""Confidence intervals from resampling patients: cells of one patient are not independent."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from leukemia_tf.evaluation.metrics import all_metrics

RESAMPLES = 2000
NORMAL = NormalDist()
ENDS = (NORMAL.inv_cdf(0.025), NORMAL.inv_cdf(0.975))

Interval = dict[str, float]  # value, low, high


def draw_patients(labels: np.ndarray, patients: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Draw patients with replacement, class by class, and count how often each was drawn.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], 0 or 1; a patient belongs to the class of its first cell.
    patients : numpy.ndarray
        str [n].
    resamples, seed : int
        Number of draws; seed of the generator.

    Returns
    -------
    numpy.ndarray
        float [resamples, p], in the order of `numpy.unique`.
    """
    rng = np.random.default_rng(seed)
    _, first = np.unique(patients, return_index=True)
    counts = np.zeros((resamples, len(first)))
    for members in _by_class(np.asarray(labels)[first]):
        counts[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
    return counts


def score_with_intervals(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
    threshold: float | np.ndarray = 0.5,
) -> dict[str, Interval]:
    """Compute every metric with its 95 % interval over resampled patients.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n] in 0-1, str [n].
    seed, resamples : int
        Of the bootstrap.
    threshold : float or numpy.ndarray
        A cell is predicted `all` at this probability or more; one for all, or float [n].

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`; NaN where undefined, and no interval where all resamples agree.
    """
    weights, classes = _weightings(labels, patients, resamples, seed)
    metrics = all_metrics(labels, probabilities, patients, weights, threshold)
    scores = {name: _interval(values, classes) for name, values in metrics.items()}
    for name, score in scores.items():
        if score["low"] == score["high"] or name == "worst_accuracy":  # no resample is worse than the worst patient
            score["low"] = score["high"] = np.nan
    return scores


def paired_difference(
    labels: np.ndarray,
    probabilities: np.ndarray,
    others: np.ndarray,
    patients: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
    thresholds: tuple[float | np.ndarray, float | np.ndarray] = (0.5, 0.5),
) -> dict[str, Interval]:
    """Compute the difference between two sets of probabilities in every metric, on the same resampled patients.

    Parameters
    ----------
    labels, probabilities, others, patients : numpy.ndarray
        int [n], float [n] twice, str [n].
    seed, resamples : int
        Of the bootstrap.
    thresholds : tuple of float or numpy.ndarray
        A cell is predicted `all` at this probability or more, for either; one for all, or float [n].

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`: the first less the second, with its 95 % interval.
    """
    weights, classes = _weightings(labels, patients, resamples, seed)
    first = all_metrics(labels, probabilities, patients, weights, thresholds[0])
    second = all_metrics(labels, others, patients, weights, thresholds[1])
    return {name: _interval(first[name] - second[name], classes) for name in first}


def mean_over_patients(
    values: np.ndarray, labels: np.ndarray, patients: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Compute the mean over patients of their cells' mean, with its 95 % interval over resampled patients.

    Parameters
    ----------
    values, labels, patients : numpy.ndarray
        float [n], where NaN is left out; int [n]; str [n].
    seed, resamples : int
        Of the bootstrap.

    Returns
    -------
    dict
        `{"value", "low", "high"}`; NaN where no value is left.
    """
    known = np.isfinite(values)
    if not known.any():
        return dict.fromkeys(("value", "low", "high"), np.nan)
    values, labels, patients = values[known], np.asarray(labels)[known], np.asarray(patients)[known]
    weights, classes = _weightings(labels, patients, resamples, seed)
    means = per_patient(labels, values, patients)[1]
    with np.errstate(invalid="ignore"):
        return _interval(weights @ means / weights.sum(1), classes)


def _weightings(
    labels: np.ndarray, patients: np.ndarray, resamples: int, seed: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return how often each patient counts, float [1 + p + resamples, p], and the patients' indices by class.

    The rows: every patient once; all but one, for each; the bootstrap resamples.
    """
    names, first = np.unique(patients, return_index=True)
    resampled = draw_patients(labels, patients, resamples, seed)
    weights = np.concatenate([np.ones((1, len(names))), 1 - np.eye(len(names)), resampled])
    return weights, _by_class(np.asarray(labels)[first])


def _by_class(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == value) for value in np.unique(labels)]


def _interval(scores: np.ndarray, classes: list[np.ndarray]) -> Interval:
    """Return the score and its 95 % interval from its values under `_weightings`.

    The interval is bias-corrected and accelerated (BCa), with the classes as strata: for scores near 1, plain
    percentiles exclude the true value two or three times too often.

    Source: Efron 1987, JASA 82:171-185; Davison & Hinkley 1997, section 5.3.
    """
    patients = sum(map(len, classes))
    value, jackknife, samples = scores[0], scores[1 : 1 + patients], scores[1 + patients :]
    samples = samples[np.isfinite(samples)]
    if not len(samples) or not np.isfinite(value):
        return {"value": float(value), "low": np.nan, "high": np.nan}
    below = (np.mean(samples < value) + np.mean(samples <= value)) / 2
    bias = NORMAL.inv_cdf(min(max(below, 1 / len(samples)), 1 - 1 / len(samples)))
    acceleration = _acceleration([jackknife[members] for members in classes])
    shifted = ((bias + end) / max(1 - acceleration * (bias + end), 1e-3) for end in ENDS)
    low, high = np.quantile(samples, [NORMAL.cdf(bias + shift) for shift in shifted])
    return {"value": float(value), "low": float(low), "high": float(high)}


def _acceleration(jackknife: list[np.ndarray]) -> float:
    """Return BCa's acceleration from the scores without each patient, by class."""
    squares = cubes = 0.0
    for values in jackknife:
        values = values[np.isfinite(values)]
        count = len(values)
        if count > 1:
            influence = (values.mean() - values) * (count - 1) / count
            squares, cubes = squares + (influence**2).sum(), cubes + (influence**3).sum()
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def per_patient(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each patient's label, mean probability over cells, and name: int [p], float [p], str [p]."""
    names, first, index = np.unique(patients, return_index=True, return_inverse=True)
    mean = np.bincount(index, probabilities) / np.bincount(index)
    return np.asarray(labels)[first], mean, names
