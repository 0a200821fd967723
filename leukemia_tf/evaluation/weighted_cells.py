"""Cells under many weightings of their patients at once: the counts that metrics are made of.

A weighting says how often each patient counts: once for the score itself, not at all where it is left out.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

BINS = 10  # of the expected calibration error
BLOCK = 1 << 20  # weights of cells at a time, so that they stay in the processor's cache


class WeightedCells:
    """Labels and predictions of n cells of p patients, under b weightings.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], 1 for `all`, 0 for `hem`.
    probabilities : numpy.ndarray
        float [n], 0-1, of `all`.
    patients : numpy.ndarray
        str [n].
    weights : numpy.ndarray, optional
        float [b, p]: how often each patient counts, in the order of `numpy.unique`; once by default.
    threshold : float or numpy.ndarray
        A cell is predicted `all` at this probability or more; one for all, or float [n].

    Attributes
    ----------
    tp, fn, tn, fp, total : numpy.ndarray
        float [b]: true positives, false negatives, true negatives, false positives, and all cells.
    """

    def __init__(
        self,
        labels: np.ndarray,
        probabilities: np.ndarray,
        patients: np.ndarray,
        weights: np.ndarray | None = None,
        threshold: float | np.ndarray = 0.5,
    ) -> None:
        names, self.patient = np.unique(patients, return_inverse=True)
        self.labels, self.probabilities = np.asarray(labels), np.asarray(probabilities, float)
        self.positive = self.labels == 1
        self.weights = np.ones((1, len(names))) if weights is None else np.asarray(weights, float)
        wrong = self.positive != (self.probabilities >= threshold)
        self.outcomes = self._sum(2 * ~self.positive + wrong, 4)  # [p, 4]: tp, fn, tn, fp of each patient
        self.tp, self.fn, self.tn, self.fp = (self.weights @ self.outcomes).T
        self.total = self.tp + self.fn + self.tn + self.fp

    def _sum(self, column: np.ndarray, columns: int, values: np.ndarray | None = None) -> np.ndarray:
        """Add up values (ones by default) by patient and column: float [p, columns]."""
        size = (self.patient.max() + 1) * columns
        return np.bincount(self.patient * columns + column, values, size).astype(float).reshape(-1, columns)

    @property
    def accuracies(self) -> np.ndarray:
        """The accuracy within each patient: float [p]."""
        return (self.outcomes[:, 0] + self.outcomes[:, 2]) / self.outcomes.sum(1)

    @property
    def squared_errors(self) -> np.ndarray:
        """The sum of each patient's squared errors of probability: float [p]."""
        return np.bincount(self.patient, (self.probabilities - self.labels) ** 2)

    @property
    def calibration_gaps(self) -> np.ndarray:
        """The sum of probability less label by patient and bin of probability: float [p, BINS]."""
        return self._sum(bin_of(self.probabilities), BINS, self.probabilities - self.labels)

    @cached_property
    def wins(self) -> np.ndarray:
        """How often a positive cell of one patient scores above a negative of another, ties half: float [p, p]."""
        levels, level = np.unique(self.probabilities, return_inverse=True)
        positives = self._sum(level, len(levels), self.positive.astype(float))
        negatives = self._sum(level, len(levels), 1.0 - self.positive)
        return positives @ (np.cumsum(negatives, 1) - negatives / 2).T

    @cached_property
    def class_counts(self) -> np.ndarray:
        """Each patient's positive and negative cells: float [2, p]."""
        return np.stack([self.outcomes[:, :2].sum(1), self.outcomes[:, 2:].sum(1)])

    def pairwise_auroc(self, wins: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the share of positive-negative pairs that are won: float [p, p], float [2, p] -> float [b]."""
        won = (self.weights @ wins * self.weights).sum(1)
        return won / ((self.weights @ counts[0]) * (self.weights @ counts[1]))

    def average_precision(self) -> np.ndarray:
        """Return the area under the steps of the precision-recall curve: float [b]."""
        order = np.argsort(-self.probabilities, kind="stable")
        steps = np.flatnonzero(np.r_[True, np.diff(self.probabilities[order]) != 0])
        patient, positive = self.patient[order], self.positive[order]
        rows = max(1, BLOCK // len(order))
        areas = []
        for start in range(0, len(self.weights), rows):
            weights = self.weights[start : start + rows, patient]
            positives, cells = (np.add.reduceat(part, steps, 1) for part in (weights * positive, weights))
            predicted = np.cumsum(cells, 1)
            precision = np.divide(np.cumsum(positives, 1), predicted, out=np.zeros_like(predicted), where=predicted > 0)
            areas.append((precision * positives).sum(1) / positives.sum(1))
        return np.concatenate(areas)


def bin_of(probabilities: np.ndarray) -> np.ndarray:
    """Return which bin of the calibration error each probability is in: float [n] -> int [n] of 0 to BINS - 1."""
    return np.minimum((probabilities * BINS).astype(int), BINS - 1)
