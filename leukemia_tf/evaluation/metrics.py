"""The metrics: one function each, registered with the title that people are shown.

A metric takes cells under b weightings of their patients and returns float [b]. Where it is undefined (no cell of a
class, nothing predicted positive) it is NaN; MCC and kappa of a constant prediction are 0, as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from leukemia_tf.evaluation.weighted_cells import WeightedCells

Compute = Callable[[WeightedCells], np.ndarray]

BETA = 2  # of F-beta: sensitivity counts twice as much as PPV


@dataclass(frozen=True)
class Metric:
    """A metric's title and its function."""

    title: str
    compute: Compute


METRICS: dict[str, Metric] = {}  # by their key in metrics.json, in its order


def all_metrics(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    weights: np.ndarray | None = None,
    threshold: float | np.ndarray = 0.5,
) -> dict[str, np.ndarray]:
    """Compute every metric under every weighting; the parameters are those of `WeightedCells`.

    Returns
    -------
    dict of str to numpy.ndarray
        float [b] by the metric's key.
    """
    cells = WeightedCells(labels, probabilities, patients, weights, threshold)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: metric.compute(cells) for name, metric in METRICS.items()}


def _metric(title: str) -> Callable[[Compute], Compute]:
    """Register a function as a metric; its name is the key in metrics.json."""

    def register(compute: Compute) -> Compute:
        METRICS[compute.__name__] = Metric(title, compute)
        return compute

    return register


@_metric("accuracy")
def accuracy(cells: WeightedCells) -> np.ndarray:
    """Return the share of correct predictions."""
    return (cells.tp + cells.tn) / cells.total


@_metric("balanced accuracy")
def balanced_accuracy(cells: WeightedCells) -> np.ndarray:
    """Return the mean of sensitivity and specificity."""
    return (sensitivity(cells) + specificity(cells)) / 2


@_metric("sensitivity")
def sensitivity(cells: WeightedCells) -> np.ndarray:
    """Return the share of `all` cells that are predicted `all`."""
    return cells.tp / (cells.tp + cells.fn)


@_metric("specificity")
def specificity(cells: WeightedCells) -> np.ndarray:
    """Return the share of `hem` cells that are predicted `hem`."""
    return cells.tn / (cells.tn + cells.fp)


@_metric("PPV")
def ppv(cells: WeightedCells) -> np.ndarray:
    """Return the positive predictive value (precision)."""
    return cells.tp / (cells.tp + cells.fp)


@_metric("NPV")
def npv(cells: WeightedCells) -> np.ndarray:
    """Return the negative predictive value."""
    return cells.tn / (cells.tn + cells.fn)


@_metric("F1")
def f1(cells: WeightedCells) -> np.ndarray:
    """Return the F1 score of `all`."""
    return 2 * cells.tp / (2 * cells.tp + cells.fp + cells.fn)


@_metric(f"F{BETA}")
def f_beta(cells: WeightedCells) -> np.ndarray:
    """Return the F-beta score of `all`."""
    return (1 + BETA**2) * cells.tp / ((1 + BETA**2) * cells.tp + BETA**2 * cells.fn + cells.fp)


@_metric("weighted F1")
def weighted_f1(cells: WeightedCells) -> np.ndarray:
    """Return the mean F1 score of both classes, weighted by their cells: the C-NMC challenge's score."""
    f1_hem = 2 * cells.tn / (2 * cells.tn + cells.fp + cells.fn)
    f1_all = np.nan_to_num(f1(cells)) * (cells.tp + cells.fn)
    return (f1_all + np.nan_to_num(f1_hem) * (cells.tn + cells.fp)) / cells.total


@_metric("Cohen's kappa")
def cohen_kappa(cells: WeightedCells) -> np.ndarray:
    """Return the agreement of prediction and label beyond chance."""
    tp, fn, tn, fp = cells.tp, cells.fn, cells.tn, cells.fp
    by_chance = ((tp + fn) * (tp + fp) + (tn + fp) * (tn + fn)) / cells.total**2
    return np.where(by_chance == 1, 0.0, (accuracy(cells) - by_chance) / (1 - by_chance))


@_metric("MCC")
def mcc(cells: WeightedCells) -> np.ndarray:
    """Return Matthews' correlation coefficient."""
    tp, fn, tn, fp = cells.tp, cells.fn, cells.tn, cells.fp
    spread = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.where(spread == 0, 0.0, (tp * tn - fp * fn) / spread)


@_metric("AUROC")
def auroc(cells: WeightedCells) -> np.ndarray:
    """Return the area under the ROC curve over cells."""
    return cells.pairwise_auroc(cells.wins, cells.class_counts)


@_metric("AUROC by patient")
def auroc_by_patient(cells: WeightedCells) -> np.ndarray:
    """Return the area under the ROC curve with equal weight for every patient of a class."""
    pairs = np.maximum(np.outer(*cells.class_counts), 1)
    return cells.pairwise_auroc(cells.wins / pairs, cells.class_counts > 0)


@_metric("AUPRC")
def auprc(cells: WeightedCells) -> np.ndarray:
    """Return the average precision."""
    return cells.average_precision()


@_metric("Brier score (lower is better)")
def brier(cells: WeightedCells) -> np.ndarray:
    """Return the mean squared error of the probability."""
    return cells.weights @ cells.squared_errors / cells.total


@_metric("ECE (lower is better)")
def ece(cells: WeightedCells) -> np.ndarray:
    """Return the expected calibration error over 10 bins of equal width."""
    return np.abs(cells.weights @ cells.calibration_gaps).sum(1) / cells.total


@_metric("mean per-patient accuracy")
def macro_accuracy(cells: WeightedCells) -> np.ndarray:
    """Return the mean of the patients' accuracies."""
    return cells.weights @ cells.accuracies / cells.weights.sum(1)


@_metric("lowest per-patient accuracy")
def worst_accuracy(cells: WeightedCells) -> np.ndarray:
    """Return the least of the patients' accuracies."""
    return np.where(cells.weights > 0, cells.accuracies, np.inf).min(1)
