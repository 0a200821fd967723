"""The figures of a run's scores, drawn from its predictions and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from leukemia_tf.evaluation import curves, plots
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays, sigmoid
from leukemia_tf.evaluation.weighted_cells import BINS, bin_of
from leukemia_tf.models.calibration import Calibration, calibration_from_config


def run_figures(
    predictions: Sequence[Prediction], history: Sequence[Mapping[str, str]], metrics: Mapping[str, Any]
) -> dict[str, Figure]:
    """Draw the figures of a run.

    Parameters
    ----------
    predictions : sequence of Prediction
        On the test part.
    history : sequence of mapping
        Rows of history.csv; none for an ensemble.
    metrics : mapping
        The content of metrics.json.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By name; curves over thresholds only where both classes are present.
    """
    labels, probabilities, _ = arrays(predictions)
    logits = np.array([row.logit for row in predictions])
    calibration = calibration_from_config(metrics["decision"])
    figures = {"confusion-matrix": curves.confusion_matrix(labels, probabilities, calibration.threshold)}
    if history:
        figures["learning-curves"] = plots.learning_curves(history)
    figures["calibration"] = calibration_figure(labels, logits, calibration)
    figures |= pooled_figures(predictions, metrics["parts"]["test"]["cell"], calibration.threshold)
    if "caution" in metrics:
        for figure in figures.values():
            figure.suptitle(metrics["caution"], color=plots.RED, fontsize=9)
    return figures


def pooled_figures(predictions: Sequence[Prediction], scores: Mapping[str, Any], threshold: float) -> dict[str, Figure]:
    """Draw the patients' strip plot, and ROC and precision-recall curve where both classes are present.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`; of one network, or pooled over the networks of several folds.
    scores : mapping
        Their scores per cell, as from `score_part`.
    threshold : float
        Of the decision.
    """
    labels, probabilities, patients = arrays(predictions)
    figures = {"patients": patient_strip(labels, probabilities, patients, threshold)}
    if len(set(labels)) == 2:
        figures["roc"] = curves.roc(labels, probabilities, patients, scores["auroc"])
        figures["precision-recall"] = curves.precision_recall(labels, probabilities, patients, scores["auprc"])
    return figures


def calibration_figure(labels: np.ndarray, logits: np.ndarray, calibration: Calibration) -> Figure:
    """Draw the reliability diagram before and after temperature scaling, above a histogram of the probabilities.

    Parameters
    ----------
    labels, logits : numpy.ndarray
        int [n], float [n].
    calibration : Calibration
        With the temperature.
    """
    figure = Figure((4.8, 4.8), layout="constrained")
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    shares.plot((0, 1), (0, 1), color=plots.GREY, lw=0.8, ls=":")
    scaled = f"temperature {calibration.temperature:.2f}"
    lines = [(1.0, plots.VAL, "s", "uncalibrated"), (calibration.temperature, plots.TRAIN, "o", scaled)]
    for temperature, colour, marker, name in lines if calibration.temperature != 1 else lines[:1]:
        probabilities = sigmoid(logits / temperature)
        bins = bin_of(probabilities)
        count, predicted, positive = (np.bincount(bins, values, BINS) for values in (None, probabilities, labels))
        filled = count > 0
        error = all_metrics(labels, probabilities, np.zeros(len(labels)))["ece"][0]
        points = predicted[filled] / count[filled], positive[filled] / count[filled]
        shares.plot(*points, marker + "-", color=colour, label=f"{name}: ECE {error:.3f}")
        counts.stairs(count, np.linspace(0, 1, BINS + 1), color=colour)
    shares.set(ylabel=f"fraction {LABEL_NAMES['all']}", xlim=(0, 1), ylim=(-0.02, 1.02))
    counts.set(xlabel=f"probability of {LABEL_NAMES['all']}", ylabel="cells", yscale="symlog")
    shares.legend(frameon=False, fontsize=8)
    for axis in (shares, counts):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def patient_strip(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, threshold: float) -> Figure:
    """Draw the probability of each patient's cells and their mean, one row per patient, HEM patients below.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n], str [n].
    threshold : float
        Of the decision.
    """
    cells_of = {name: np.flatnonzero(patients == name) for name in np.unique(patients)}
    names = sorted(cells_of, key=lambda name: (labels[cells_of[name][0]], probabilities[cells_of[name]].mean()))
    figure = Figure((6.4, 1.4 + 0.3 * len(names)), layout="constrained")
    axis = figure.subplots()
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        cells = cells_of[name]
        label = "all" if labels[cells[0]] else "hem"
        heights = place + rng.uniform(-0.25, 0.25, len(cells))
        axis.scatter(probabilities[cells], heights, 5, color=plots.COLOURS[label], alpha=0.35, lw=0)
        axis.plot(probabilities[cells].mean(), place, "|", color=plots.INK, ms=13, mew=2)
    axis.axvline(threshold, color=plots.GREY, lw=0.8, ls=":")
    titles = [f"{plots.plain(name)} ({len(cells_of[name]):,} cells)" for name in names]
    axis.set_yticks(range(len(names)), titles, fontsize=8)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(names) - 0.4), xlabel=f"probability of {LABEL_NAMES['all']}")
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(handles=_strip_legend(), loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    return figure


def _strip_legend() -> list[Line2D]:
    return [
        *(
            Line2D([], [], ls="", marker="o", ms=4, color=plots.COLOURS[label], label=name)
            for label, name in LABEL_NAMES.items()
        ),
        Line2D([], [], ls="", marker="|", ms=10, mew=2, color=plots.INK, label="mean of the patient"),
        Line2D([], [], ls=":", lw=0.8, color=plots.GREY, label="threshold"),
    ]
