"""Intervals from resampling patients: cells of one patient are no independent witnesses."""

from __future__ import annotations

import numpy as np

from leukemia_tf.evaluation.metrics import all_metrics

RESAMPLES = 2000
CHUNK = 500  # resamples at a time, to bound the memory


def patient_weights(labels: np.ndarray, patients: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Draw patients with replacement, class by class, and count how often each cell's patient was drawn.

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
        float32 [resamples, n].
    """
    rng = np.random.default_rng(seed)
    _, first, index = np.unique(patients, return_index=True, return_inverse=True)
    label = np.asarray(labels)[first]
    drawn = np.zeros((resamples, len(first)), np.float32)
    for value in np.unique(label):
        members = np.flatnonzero(label == value)
        drawn[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
    return drawn[:, index]


def score_with_intervals(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, dict[str, float]]:
    """Compute every metric with its 95 % interval (percentiles over resampled patients).

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n] in 0-1, str [n].
    seed, resamples : int
        Of the bootstrap.

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`; NaN where undefined.
    """
    drawn = patient_weights(labels, patients, resamples, seed)
    value = all_metrics(labels, probabilities, patients)
    samples = _resampled(labels, probabilities, patients, drawn)
    return {name: _interval(value[name][0], samples[name]) for name in value}


def _resampled(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, drawn: np.ndarray
) -> dict[str, np.ndarray]:
    """Compute every metric under every draw: float [resamples] by name."""
    starts = range(0, len(drawn), CHUNK)
    chunks = [all_metrics(labels, probabilities, patients, drawn[start : start + CHUNK]) for start in starts]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}


def _interval(value: float, samples: np.ndarray) -> dict[str, float]:
    samples = samples[np.isfinite(samples)]
    low, high = np.percentile(samples, (2.5, 97.5)) if len(samples) else (np.nan, np.nan)
    return {"value": float(value), "low": float(low), "high": float(high)}


def paired_difference(
    labels: np.ndarray,
    probabilities: np.ndarray,
    others: np.ndarray,
    patients: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, dict[str, float]]:
    """Compute how much better one set of probabilities is than another, on the same resampled patients.

    Parameters
    ----------
    labels, probabilities, others, patients : numpy.ndarray
        int [n], float [n] twice, str [n].
    seed, resamples : int
        Of the bootstrap.

    Returns
    -------
    dict
        `{metric: {"value", "low", "high"}}`: the first less the second, with its 95 % interval.
    """
    drawn = patient_weights(labels, patients, resamples, seed)
    value, other = (all_metrics(labels, p, patients) for p in (probabilities, others))
    samples, other_samples = (_resampled(labels, p, patients, drawn) for p in (probabilities, others))
    return {name: _interval(value[name][0] - other[name][0], samples[name] - other_samples[name]) for name in value}


def per_patient(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return one row a patient: label, mean probability over the patient's cells, patient; arrays of [p]."""
    names, first, index = np.unique(patients, return_index=True, return_inverse=True)
    mean = np.bincount(index, probabilities) / np.bincount(index)
    return np.asarray(labels)[first], mean, names
