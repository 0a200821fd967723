"""Figures of a classifier's performance: confusion matrix, ROC and precision-recall curve, reliability diagram."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import pointwise_band
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.plots import BAND, GREY, INK, axes, tidy
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import format_score, title_over_cells
from leukemia_tf.evaluation.weighted_cells import BINS, bin_of

Curve = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
LINES = (("s--", GREY), ("o-", INK))  # of a reliability diagram: uncalibrated, calibrated


def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray, thresholds: float | np.ndarray = 0.5) -> Figure:
    """Draw counts of cells, shaded by their share of the true class; `thresholds`: one for all, or float [n]."""
    figure, (axis,) = axes(4.8)
    called = probabilities >= thresholds
    counts = np.array([[np.sum((labels == t) & (called == p)) for p in (1, 0)] for t in (1, 0)])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(shares, cmap="Greys", vmin=0, vmax=1.25)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        text = f"{count:,}\n{share:.0%}"
        axis.text(column, row, text, ha="center", va="center", color="white" if share > 0.6 else INK, fontsize=13)
    names = [LABEL_NAMES[label] for label in LABELS[::-1]]
    axis.set(xticks=(0, 1), yticks=(0, 1), xticklabels=names, xlabel="predicted", ylabel="label")
    axis.set_yticks((0, 1), names, rotation=90, va="center")
    axis.spines[:].set_visible(False)
    return figure


def roc(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, auroc: Mapping[str, float]) -> Figure:
    """Draw the ROC curve over cells with its pointwise band, by the method of the score's interval.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n], str [n].
    auroc : mapping
        `value`, `low`, `high`.
    """
    label = f"{title_over_cells('auroc')} {format_score(auroc)}"
    figure, axis = _with_band(_sensitivities, labels, probabilities, patients, label)
    axis.plot((0, 1), (0, 1), color=GREY, lw=0.8, ls=":", label="chance")
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def precision_recall(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, auprc: Mapping[str, float]
) -> Figure:
    """Draw the precision-recall curve over cells with its pointwise band; see `roc`."""
    label = f"{title_over_cells('auprc')} {format_score(auprc)}"
    figure, axis = _with_band(_precisions, labels, probabilities, patients, label)
    share = float(np.mean(labels))
    axis.axhline(share, color=GREY, lw=0.8, ls=":", label=f"chance: {share:.2f}, the share of {LABEL_NAMES['all']}")
    axis.set(xlabel="sensitivity (recall)", ylabel="PPV (precision)", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.legend(frameon=False, loc="lower left", fontsize=8)
    return figure


def _with_band(
    curve: Curve, labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, label: str
) -> tuple[Figure, Axes]:
    """Draw a curve over 0-1 with its band; without one where the score has no interval."""
    figure, (axis,) = axes(4.6)
    grid = np.linspace(0, 1, 201)
    order = np.argsort(-probabilities, kind="stable")
    positive, last = labels[order] == 1, np.r_[np.diff(probabilities[order]) != 0, True]  # of cells with one score

    def values(weight: np.ndarray) -> np.ndarray:
        tp, fp = (np.cumsum(weight[order] * which)[last] for which in (positive, ~positive))
        return curve(tp, fp, grid)

    line, low, high = pointwise_band(values, labels, patients)
    if np.isfinite(low).any():
        axis.fill_between(grid, low, high, color=BAND, lw=0, label="95 % interval over patients, pointwise")
    axis.plot(grid, line, color=INK, label=label)
    return figure, axis


def _sensitivities(tp: np.ndarray, fp: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.interp(grid, np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]])


def _precisions(tp: np.ndarray, fp: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the highest precision at each sensitivity or more, as is usual for the curve."""
    counted = tp + fp > 0
    tp, fp = tp[counted], fp[counted]
    best = np.maximum.accumulate((tp / (tp + fp))[::-1])[::-1]
    return best[np.minimum(np.searchsorted(tp / tp[-1], grid - 1e-12), len(best) - 1)]


def reliability(labels: np.ndarray, sets: Mapping[str, np.ndarray]) -> Figure:
    """Draw the reliability diagram of some probabilities above a histogram of each.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n].
    sets : mapping of str to numpy.ndarray
        Probabilities, float [n], by their name: the uncalibrated ones first, then the calibrated ones if there are any.
    """
    figure = Figure((4.8, 4.8), layout="constrained")
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    shares.plot((0, 1), (0, 1), color=GREY, lw=0.8, ls=":", label="perfectly calibrated")
    for (look, colour), (name, probabilities) in zip(LINES, sets.items()):
        bins = bin_of(probabilities)
        count, predicted, positive = (np.bincount(bins, values, BINS) for values in (None, probabilities, labels))
        filled = count > 0
        error = all_metrics(labels, probabilities, np.zeros(len(labels)))["ece"][0]
        points = predicted[filled] / count[filled], positive[filled] / count[filled]
        shares.plot(*points, look, color=colour, ms=5, label=f"{name}: ECE {error:.3f}")
        counts.stairs(count, np.linspace(0, 1, BINS + 1), color=colour, ls=look[1:])
    shares.set(ylabel=f"share of {LABEL_NAMES['all']} cells", xlim=(0, 1), ylim=(-0.02, 1.02))
    counts.set(xlabel=f"probability of {LABEL_NAMES['all']}", ylabel="cells (log scale)", yscale="symlog")
    shares.legend(frameon=False, fontsize=8)
    for axis in (shares, counts):
        tidy(axis)
    return figure
