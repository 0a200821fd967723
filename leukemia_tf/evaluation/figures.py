"""The figures of scored predictions, of one network or pooled over the networks of several folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.evaluation import cell_plots, curves
from leukemia_tf.evaluation.plots import RED
from leukemia_tf.evaluation.predictions import Prediction, arrays, sigmoid
from leukemia_tf.evaluation.training_plots import learning_curves


def run_figures(
    predictions: Sequence[Prediction],
    history: Sequence[Mapping[str, str]],
    metrics: Mapping[str, Any],
    areas: np.ndarray | None = None,
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
    areas : numpy.ndarray, optional
        float [n], of the cells in pixels.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By name; curves over thresholds only where both classes are present.
    """
    decision = metrics["decision"]
    calibrated = "" if decision["temperature"] == 1 else f"temperature {decision['temperature']:.2f}"
    figures = {"learning-curves": learning_curves(history)} if history else {}
    scores = metrics["parts"]["test"]["cell"]
    figures |= pooled_figures(predictions, scores, decision["threshold"], calibrated, areas)
    if "caution" in metrics:
        for figure in figures.values():
            figure.suptitle(metrics["caution"], color=RED, fontsize=9)
    return figures


def pooled_figures(
    predictions: Sequence[Prediction],
    scores: Mapping[str, Any],
    thresholds: float | np.ndarray,
    calibrated: str = "",
    areas: np.ndarray | None = None,
) -> dict[str, Figure]:
    """Draw the figures of predictions.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`; of one network, or pooled over the networks of several folds.
    scores : mapping
        Their scores per cell, as from `score_part`.
    thresholds : float or numpy.ndarray
        Of the decision; float [n] where several folds' networks predicted. Figures show their median.
    calibrated : str
        What made the probabilities from the logits; empty where nothing did.
    areas : numpy.ndarray, optional
        float [n], of the cells in pixels.
    """
    labels, probabilities, patients = arrays(predictions)
    uncalibrated = sigmoid(np.array([row.logit for row in predictions]))
    sets = {"uncalibrated": uncalibrated} | ({calibrated: probabilities} if calibrated else {})
    threshold = float(np.median(thresholds))
    figures = {"confusion-matrix": curves.confusion_matrix(labels, probabilities, thresholds)}
    if len(set(labels)) == 2:
        figures["roc"] = curves.roc(labels, probabilities, patients, scores["auroc"])
        figures["precision-recall"] = curves.precision_recall(labels, probabilities, patients, scores["auprc"])
    figures["calibration"] = curves.reliability(labels, sets)
    figures["histogram"] = cell_plots.probability_histogram(labels, probabilities, threshold)
    figures["patients"] = cell_plots.patient_strip(labels, probabilities, patients, threshold)
    if areas is not None:
        wrong = (probabilities >= thresholds) != (labels == 1)
        figures["errors-by-size"] = cell_plots.errors_by_size(labels, areas, wrong)
    return figures
