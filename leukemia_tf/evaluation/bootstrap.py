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
    value = all_metrics(labels, probabilities, patients)
    drawn = patient_weights(labels, patients, resamples, seed)
    chunks = [all_metrics(labels, probabilities, patients, drawn[i : i + CHUNK]) for i in range(0, resamples, CHUNK)]
    scores = {}
    for name in value:
        samples = np.concatenate([chunk[name] for chunk in chunks])
        samples = samples[np.isfinite(samples)]
        low, high = np.percentile(samples, (2.5, 97.5)) if len(samples) else (np.nan, np.nan)
        scores[name] = {"value": float(value[name][0]), "low": float(low), "high": float(high)}
    return scores


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
    value, samples = (
        {name: ours - theirs[name] for name, ours in all_metrics(labels, probabilities, patients, weights).items()}
        for weights in (None, drawn)
        for theirs in (all_metrics(labels, others, patients, weights),)
    )
    differences = {}
    for name in value:
        finite = samples[name][np.isfinite(samples[name])]
        low, high = np.percentile(finite, (2.5, 97.5)) if len(finite) else (np.nan, np.nan)
        differences[name] = {"value": float(value[name][0]), "low": float(low), "high": float(high)}
    return differences


def per_patient(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return one row a patient: label, mean probability over the patient's cells, patient; arrays of [p]."""
    names, first, index = np.unique(patients, return_index=True, return_inverse=True)
    mean = np.bincount(index, probabilities) / np.bincount(index)
    return np.asarray(labels)[first], mean, names
