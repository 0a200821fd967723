"""The pictures of a run's scores, each from its predictions and its history alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.evaluation import plots
from leukemia_tf.evaluation.bootstrap import draw_patients
from leukemia_tf.evaluation.metrics import BINS, all_metrics, bin_of
from leukemia_tf.evaluation.predictions import Prediction, arrays, sigmoid
from leukemia_tf.models.decision import Decision

RESAMPLES = 500  # for a band


def run_figures(predictions: Sequence[Prediction], history: Sequence[dict], metrics: dict) -> dict[str, Figure]:
    """Draw what there is to see of a run.

    Parameters
    ----------
    predictions : sequence of Prediction
        On the test part.
    history : sequence of dict
        Rows of history.csv; none for an ensemble.
    metrics : dict
        The content of metrics.json.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        By name; curves over thresholds only where both classes are there.
    """
    labels, probabilities, _ = arrays(predictions)
    logits = np.array([row.logit for row in predictions])
    decision, scores = Decision(**metrics["decision"]), metrics["parts"]["test"]["cell"]
    figures = {
        "confusion-matrix": plots.confusion_matrix(labels, probabilities, decision.threshold),
        **({"learning-curves": plots.learning_curves(history)} if history else {}),
        "calibration": calibration(labels, logits, decision),
        **pooled_figures(predictions, scores, decision.threshold),
    }
    for figure in figures.values():
        if "caution" in metrics:
            figure.suptitle(metrics["caution"], color=plots.RED, fontsize=9)
    return figures


def pooled_figures(predictions: Sequence[Prediction], scores: dict, threshold: float) -> dict[str, Figure]:
    """Draw the patients' strip, and both curves with their bands where both classes are there.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_person`; of one network or of the folds' networks together.
    scores : dict
        Over their cells, as from `score_part`.
    threshold : float
        Where the answer changes.
    """
    labels, probabilities, patients = arrays(predictions)
    figures = {"patients": patient_strip(labels, probabilities, patients, threshold)}
    if len(set(labels)) == 2:
        drawn = draw_patients(labels, patients, RESAMPLES, 0)[:, np.unique(patients, return_inverse=True)[1]]
        figures["roc"] = plots.roc(labels, probabilities, drawn, scores["auroc"])
        figures["precision-recall"] = plots.precision_recall(labels, probabilities, drawn, scores["auprc"])
    return figures


def calibration(labels: np.ndarray, logits: np.ndarray, decision: Decision) -> Figure:
    """Draw the reliability diagram, before and after the temperature, and how many cells stand behind each point.

    Parameters
    ----------
    labels, logits : numpy.ndarray
        int [n], float [n].
    decision : Decision
        With the temperature.
    """
    figure = Figure((4.8, 4.8), layout="constrained")
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    shares.plot((0, 1), (0, 1), color="#999999", lw=0.8, ls=":")
    before, after = sigmoid(logits), sigmoid(logits / decision.temperature)
    rows = [(before, plots.VAL, "s", "raw"), (after, plots.TRAIN, "o", f"temperature {decision.temperature:.2f}")]
    for probabilities, colour, marker, name in rows if decision.temperature != 1 else rows[:1]:
        binned = bin_of(probabilities)
        count, said, true = (np.bincount(binned, values, BINS) for values in (None, probabilities, labels))
        filled = count > 0
        error = all_metrics(labels, probabilities, np.zeros(len(labels)))["ece"][0]
        label = f"{name}: ECE {error:.3f}"
        shares.plot(said[filled] / count[filled], true[filled] / count[filled], marker + "-", color=colour, label=label)
        counts.stairs(count, np.linspace(0, 1, BINS + 1), color=colour)
    shares.set(ylabel="share of leukemic cells", xlim=(0, 1), ylim=(-0.02, 1.02))
    counts.set(xlabel="probability of `all`", ylabel="cells", yscale="symlog")
    shares.legend(frameon=False, fontsize=8)
    for axis in (shares, counts):
        axis.spines[["top", "right"]].set_visible(False)
    return figure


def patient_strip(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, threshold: float) -> Figure:
    """Draw each patient's cells by their probability, the mean marked, healthy patients below.

    Parameters
    ----------
    labels, probabilities, patients : numpy.ndarray
        int [n], float [n], str [n].
    threshold : float
        Where the answer changes.
    """
    own = {name: np.flatnonzero(patients == name) for name in np.unique(patients)}
    names = sorted(own, key=lambda name: (labels[own[name][0]], probabilities[own[name]].mean()))
    figure = Figure((6.4, 1.1 + 0.3 * len(names)), layout="constrained")
    axis = figure.subplots()
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        cells = own[name]
        colour = plots.COLOURS["all" if labels[cells[0]] else "hem"]
        heights = place + rng.uniform(-0.25, 0.25, len(cells))
        axis.scatter(probabilities[cells], heights, 5, color=colour, alpha=0.35, lw=0)
        axis.plot(probabilities[cells].mean(), place, "|", color=plots.INK, ms=13, mew=2)
    axis.axvline(threshold, color="#999999", lw=0.8, ls=":")
    told = (f"{plots.plain(name)} ({'all' if labels[own[name][0]] else 'hem'}, {len(own[name]):,})" for name in names)
    axis.set_yticks(range(len(names)), told, fontsize=8)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(names) - 0.4), xlabel="probability of `all` (|: the patient's mean)")
    axis.spines[["top", "right", "left"]].set_visible(False)
    return figure
