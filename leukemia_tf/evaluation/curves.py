"""Figures of a classifier's performance: confusion matrix, ROC and precision-recall curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.plots import BAND, GREY, INK, TRAIN, axes
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import format_score, title_over_cells

Curve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> Figure:
    """Draw counts of cells, coloured by their share of the true class."""
    figure, (axis,) = axes(4.8)
    counts = np.array([[np.sum((labels == t) & ((probabilities >= threshold) == p)) for p in (1, 0)] for t in (1, 0)])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(shares, cmap="Purples", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        text = f"{count}\n{share:.0%}"
        axis.text(column, row, text, ha="center", va="center", color="white" if share > 0.5 else INK, fontsize=13)
    names = [LABEL_NAMES[label] for label in LABELS[::-1]]
    axis.set(xticks=(0, 1), yticks=(0, 1), xticklabels=names, xlabel="predicted", ylabel="label")
    axis.set_yticks((0, 1), names, rotation=90, va="center")
    axis.spines[:].set_visible(False)
    return figure


def roc(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, auroc: Mapping[str, float]) -> Figure:
    """Draw the ROC curve over cells and the same without each patient, from which the interval is.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n], str [n].
    auroc : mapping
        `value`, `low`, `high`.
    """
    label = f"{title_over_cells('auroc')} {format_score(auroc)}"
    figure, axis = _with_each_left_out(_sensitivities, labels, probabilities, patients, label)
    axis.plot((0, 1), (0, 1), color=GREY, lw=0.8, ls=":")
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def precision_recall(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, auprc: Mapping[str, float]
) -> Figure:
    """Draw the precision-recall curve over cells and the same without each patient; see `roc`."""
    label = f"{title_over_cells('auprc')} {format_score(auprc)}"
    figure, axis = _with_each_left_out(_precisions, labels, probabilities, patients, label)
    axis.axhline(float(np.mean(labels)), color=GREY, lw=0.8, ls=":")
    axis.set(xlabel="sensitivity (recall)", ylabel="PPV (precision)", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.legend(frameon=False, loc="lower left", fontsize=8)
    return figure


def _with_each_left_out(
    curve: Curve, labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, label: str
) -> tuple[Figure, Axes]:
    """Draw a curve over 0-1, and faintly the same curve without each of the patients."""
    figure, (axis,) = axes(4.6)
    grid = np.linspace(0, 1, 201)
    order = np.argsort(-probabilities, kind="stable")
    positive, last = labels[order] == 1, np.r_[np.diff(probabilities[order]) != 0, True]  # of cells with one score

    def values(weight: np.ndarray) -> np.ndarray:
        tp, fp = (np.cumsum(weight[order] * which)[last] for which in (positive, ~positive))
        return curve(tp, fp, grid)

    for patient in np.unique(patients):
        weight = (patients != patient).astype(float)
        if weight[labels == 1].any() and weight[labels == 0].any():
            axis.plot(grid, values(weight), color=BAND, lw=0.8)
    axis.plot([], [], color=BAND, lw=0.8, label="without one of the patients")
    axis.plot(grid, values(np.ones(len(labels))), color=TRAIN, label=label)
    return figure, axis


def _sensitivities(tp: np.ndarray, fp: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.interp(grid, np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]])


def _precisions(tp: np.ndarray, fp: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the highest precision at each sensitivity or more, as is usual for the curve."""
    counted = tp + fp > 0
    tp, fp = tp[counted], fp[counted]
    best = np.maximum.accumulate((tp / (tp + fp))[::-1])[::-1]
    return best[np.minimum(np.searchsorted(tp / tp[-1], grid - 1e-12), len(best) - 1)]
