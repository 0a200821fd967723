"""A permutation test of the AUROC by patient: the labels of whole patients are permuted."""

from __future__ import annotations

import itertools
import math

import numpy as np

PERMUTATIONS = 10_000


def permutation_p(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, seed: int = 0) -> float:
    """Return how often the AUROC by patient is as high or higher when patients' labels are permuted.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n], str [n].
    seed : int
        Of the draws, where there are more than `PERMUTATIONS` permutations; else each counts once.

    Returns
    -------
    float
        One-sided p, 0-1; NaN with one class only.
    """
    _, first, patient = np.unique(patients, return_index=True, return_inverse=True)
    positive = np.asarray(labels)[first] == 1
    count, total = int(positive.sum()), len(positive)
    if count in (0, total):
        return np.nan
    levels, level = np.unique(probabilities, return_inverse=True)
    cells = np.bincount(patient * len(levels) + level, minlength=total * len(levels)).reshape(total, -1).astype(float)
    shares = cells / cells.sum(1, keepdims=True)
    above = shares @ (np.cumsum(shares, 1) - shares / 2).T  # how often a cell of one patient scores above another's
    drawn = _relabelled(positive, seed)
    areas = (drawn @ above * (1 - drawn)).sum(1)
    return float(np.mean(areas >= areas[0] - 1e-9))


def _relabelled(positive: np.ndarray, seed: int) -> np.ndarray:
    """Return who is positive: as it is, then in every other way or in drawn ones; float [permutations, p]."""
    count, total = int(positive.sum()), len(positive)
    if math.comb(total, count) > PERMUTATIONS:
        rng = np.random.default_rng(seed)
        return np.stack([positive, *(rng.permutation(positive) for _ in range(PERMUTATIONS - 1))]).astype(float)
    drawn = np.zeros((math.comb(total, count), total))
    for row, members in enumerate(itertools.combinations(range(total), count)):
        drawn[row, list(members)] = 1
    same = int(np.flatnonzero((drawn == positive).all(1))[0])
    return np.concatenate([drawn[[same]], np.delete(drawn, same, 0)])
