"""Intervals from resampling patients: cells of one patient are no independent witnesses."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from leukemia_tf.evaluation.metrics import all_metrics

RESAMPLES = 2000
NORMAL = NormalDist()
ENDS = (NORMAL.inv_cdf(0.025), NORMAL.inv_cdf(0.975))


def draw_patients(labels: np.ndarray, patients: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Draw patients with replacement, class by class, and count how often each was drawn.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], 0 or 1; a patient belongs to the class of its first cell.
    patients : numpy.ndarray
        str [n].
    resamples, seed : int
        How many draws; what they depend on.

    Returns
    -------
    numpy.ndarray
        float [resamples, p], in the order of `numpy.unique`.
    """
    rng = np.random.default_rng(seed)
    _, first = np.unique(patients, return_index=True)
    label = np.asarray(labels)[first]
    drawn = np.zeros((resamples, len(first)))
    for value in np.unique(label):
        members = np.flatnonzero(label == value)
        drawn[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
    return drawn


def score_with_intervals(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
    threshold: float | np.ndarray = 0.5,
) -> dict[str, dict[str, float]]:
    """Compute every metric with its 95 % interval over resampled patients.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n] in 0-1, str [n].
    seed, resamples : int
        Of the bootstrap.
    threshold : float or numpy.ndarray
        A cell counts as `all` at this probability or more; one for all, or float [n].

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`; NaN where undefined, as an interval is of which all resamples agree.
    """
    drawn, classes = _weightings(labels, patients, resamples, seed)
    scores = all_metrics(labels, probabilities, patients, drawn, threshold)
    found = {name: _interval(values, classes) for name, values in scores.items()}
    for name, score in found.items():
        if score["low"] == score["high"] or name == "worst_accuracy":  # no resample is worse than the worst patient
            score["low"] = score["high"] = np.nan
    return found


def paired_difference(
    labels: np.ndarray,
    probabilities: np.ndarray,
    others: np.ndarray,
    patients: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
    thresholds: tuple[float, float] = (0.5, 0.5),
) -> dict[str, dict[str, float]]:
    """Compute how much better one set of probabilities is than another, on the same resampled patients.

    Parameters
    ----------
    labels, probabilities, others, patients : numpy.ndarray
        int [n], float [n] twice, str [n].
    seed, resamples : int
        Of the bootstrap.
    thresholds : tuple of float
        A cell counts as `all` at this probability or more, by either.

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`: the first less the second, with its 95 % interval.
    """
    drawn, classes = _weightings(labels, patients, resamples, seed)
    both = zip((probabilities, others), thresholds)
    scores, other_scores = (all_metrics(labels, p, patients, drawn, threshold) for p, threshold in both)
    return {name: _interval(scores[name] - other_scores[name], classes) for name in scores}


def mean_over_patients(
    values: np.ndarray, labels: np.ndarray, patients: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, float]:
    """Compute the mean over patients of their cells' mean, with its 95 % interval over resampled patients.

    Parameters
    ----------
    values, labels, patients : numpy.ndarray
        float [n], of which those that are NaN are left out; int [n]; str [n].
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
    drawn, classes = _weightings(labels, patients, resamples, seed)
    means = per_patient(labels, values, patients)[1]
    with np.errstate(invalid="ignore"):
        return _interval(drawn @ means / drawn.sum(1), classes)


def _weightings(
    labels: np.ndarray, patients: np.ndarray, resamples: int, seed: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return how often each patient counts, and each class's patients.

    The weightings, float [1 + p + resamples, p]: once each; all but one, for each; as often as drawn.
    """
    names, first = np.unique(patients, return_index=True)
    drawn = draw_patients(labels, patients, resamples, seed)
    label = np.asarray(labels)[first]
    weightings = np.concatenate([np.ones((1, len(names))), 1 - np.eye(len(names)), drawn])
    return weightings, [np.flatnonzero(label == value) for value in np.unique(label)]


def _interval(scores: np.ndarray, classes: list[np.ndarray]) -> dict[str, float]:
    """Return the score and its 95 % interval from its values under `_weightings`.

    The interval is bias-corrected and accelerated, the classes being strata: for scores near 1 the plain percentiles
    miss the truth two or three times too often.

    Source: Efron 1987, JASA 82:171-185; Davison & Hinkley 1997, section 5.3.
    """
    patients = sum(map(len, classes))
    value, without, samples = scores[0], scores[1 : 1 + patients], scores[1 + patients :]
    samples = samples[np.isfinite(samples)]
    if not len(samples) or not np.isfinite(value):
        return {"value": float(value), "low": np.nan, "high": np.nan}
    below = (np.mean(samples < value) + np.mean(samples <= value)) / 2
    bias = NORMAL.inv_cdf(min(max(below, 1 / len(samples)), 1 - 1 / len(samples)))
    skew = _acceleration([without[members] for members in classes])
    shifted = ((bias + end) / max(1 - skew * (bias + end), 1e-3) for end in ENDS)
    low, high = np.quantile(samples, [NORMAL.cdf(bias + shift) for shift in shifted])
    return {"value": float(value), "low": float(low), "high": float(high)}


def _acceleration(without: list[np.ndarray]) -> float:
    """Return how fast the score's spread changes with the score, from its values without each patient of each class."""
    squares = cubes = 0.0
    for values in without:
        values = values[np.isfinite(values)]
        count = len(values)
        if count > 1:
            pulls = (values.mean() - values) * (count - 1) / count
            squares, cubes = squares + (pulls**2).sum(), cubes + (pulls**3).sum()
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def per_patient(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return one row a patient: label, mean probability over the patient's cells, patient; arrays of [p]."""
    names, first, index = np.unique(patients, return_index=True, return_inverse=True)
    mean = np.bincount(index, probabilities) / np.bincount(index)
    return np.asarray(labels)[first], mean, names
