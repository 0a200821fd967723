"""Error analysis over several networks: cells that all of them misclassify, and cells that only one gets right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.evaluation import plots
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import LABEL_NAMES

COLUMNS = 6  # of a gallery


def misclassified(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return which predictions are wrong: int [n] and int [networks, n] -> bool [networks, n]."""
    return np.asarray(predicted) != np.asarray(labels)


def only_right(wrong: np.ndarray) -> list[np.ndarray]:
    """Return, for each network, the cells that it alone gets right: bool [networks, n] -> int [m] for each."""
    one_right = wrong.sum(0) == len(wrong) - 1
    return [np.flatnonzero(one_right & ~row) for row in wrong]


def by_patient(labels: np.ndarray, patients: np.ndarray, wrong: np.ndarray) -> list[dict[str, Any]]:
    """Return how many of each patient's cells each network, and all of them together, misclassify.

    Parameters
    ----------
    labels, patients : numpy.ndarray
        int [n], str [n].
    wrong : numpy.ndarray
        bool [networks, n].

    Returns
    -------
    list of dict
        `patient`, `label` (0 or 1), `cells`, `wrong` (a count per network), `all_wrong`; the highest error rate first.
    """
    rows = []
    for patient in np.unique(patients):
        cells = np.flatnonzero(patients == patient)
        errors = wrong[:, cells]
        rows.append(
            {
                "patient": str(patient),
                "label": int(labels[cells[0]]),
                "cells": len(cells),
                "wrong": errors.sum(1).tolist(),
                "all_wrong": int(errors.all(0).sum()),
            }
        )
    return sorted(rows, key=lambda row: -np.mean(row["wrong"]) / row["cells"])


def draw_wrong_counts(labels: np.ndarray, wrong: np.ndarray) -> Figure:
    """Draw how many cells are misclassified by k of the n networks, by class."""
    figure, (axis,) = plots.axes(6.0)
    times, count = wrong.sum(0), len(wrong) + 1
    bottom = np.zeros(count)
    for label, name in ((1, "all"), (0, "hem")):
        cells = np.bincount(times[labels == label], minlength=count)
        text = f"{LABEL_NAMES[name]}: {cells.sum():,} cells"
        axis.bar(range(count), cells, bottom=bottom, color=plots.COLOURS[name], label=text)
        bottom += cells
    for place, total in enumerate(bottom):
        axis.annotate(f"{total:,.0f}", (place, total), (0, 3), textcoords="offset points", ha="center", fontsize=9)
    axis.set(xlabel=f"networks (of {len(wrong)}) that misclassify a cell", ylabel="cells", xticks=range(count))
    axis.legend(frameon=False, fontsize=9)
    return figure


def draw_gallery(pictures: Sequence[tuple[str, np.ndarray, bool]], title: str) -> Figure:
    """Draw captioned cells: text, uint8 [h, w, 3], and whether it is misclassified, which frames it in red."""
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure((1.9 * columns, 2.2 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=11)
    for axis in figure.subplots(rows, columns, squeeze=False).flat:
        axis.set_axis_off()
    for axis, (caption, pixels, wrong) in zip(figure.axes, pictures):
        axis.imshow(pixels)
        axis.set_title(caption, fontsize=6.5)
        if wrong:
            axis.set(xticks=(), yticks=())
            axis.set_axis_on()
            axis.spines[:].set(color=plots.RED, linewidth=2.5)
    return figure


def draw_scores(scores: Mapping[str, Mapping[str, float | None]]) -> Figure:
    """Draw each classifier's AUROC by patient with its interval, one a line; without an interval an open circle.

    Parameters
    ----------
    scores : mapping of str to mapping
        `value`, `low`, `high` by name.
    """
    figure, (axis,) = plots.axes(6.4, 1.1 + 0.34 * len(scores))
    for place, score in enumerate(scores.values()):
        value, low, high = score["value"], score["low"], score["high"]
        if value is None or not np.isfinite(value):
            continue
        axis.plot(value, place, "o", color=plots.INK, mfc="none")
        if low is not None and high is not None and np.isfinite(low):
            axis.plot((low, high), (place, place), color=plots.INK, lw=1.6)
            axis.plot(value, place, "o", color=plots.INK)
    axis.set_yticks(range(len(scores)), list(map(plots.plain, scores)), fontsize=9)
    axis.set(xlabel=f"{METRICS['auroc_by_patient'].title}, line: 95 % interval over patients")
    axis.set(ylim=(len(scores) - 0.5, -0.5))
    axis.grid(axis="x", color="#00000014")
    return figure


def draw_histories(histories: Mapping[str, Sequence[Mapping[str, str]]]) -> Figure:
    """Draw losses and validation accuracy of several runs in common axes: history.csv's rows by the run's name.

    A column that no run has is left out: a split may have no validation part.
    """
    titles = {"loss": "training loss", "val_loss": "validation loss", "val_accuracy": "validation accuracy"}
    shown = [name for name in titles if any(row[name] for rows in histories.values() for row in rows)] or ["loss"]
    figure, axes = plots.axes(4.6, columns=len(shown))
    for axis, column in zip(axes, shown):
        drawn: list[float] = []
        for (name, rows), look in zip(histories.items(), cycle(plots.SERIES)):
            epochs, values = ([float(row[key] or "nan") for row in rows] for key in ("epoch", column))
            axis.plot(epochs, values, label=plots.plain(name), **look)
            drawn += values
        axis.set(xlabel="epoch", ylabel=titles[column])
        plots.integer_ticks(axis)
        if column != "val_accuracy" and not plots.log_where_spiked(axis, drawn):
            axis.set_ylim(0, None)
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside right center", frameon=False, fontsize=8)
    return figure


def draw_costs(
    scores: Mapping[str, Mapping[str, float | None]], parameters: Mapping[str, int], seconds: Mapping[str, float]
) -> Figure:
    """Draw each run's score, with its interval, against its number of parameters and its training time.

    Parameters
    ----------
    scores : mapping of str to mapping
        `value`, `low`, `high` of the AUROC by patient.
    parameters, seconds : mapping of str to number
        By the same names.
    """
    figure, axes = plots.axes(5.6, columns=2)
    costs_by_title: dict[str, Mapping[str, float]] = {"parameters": parameters, "training time, seconds": seconds}
    for axis, (title, costs) in zip(axes, costs_by_title.items()):
        for (name, score), look in zip(scores.items(), cycle(plots.SERIES)):
            value, low, high = score["value"], score["low"], score["high"]
            if value is None or not np.isfinite(value):
                continue
            mark = {**look, "ls": ""}
            if low is None or high is None or not np.isfinite(low):
                axis.plot(costs[name], value, label=f"{plots.plain(name)} (no interval)", **mark, mfc="none")
                continue
            ends = [[max(0.0, value - low)], [max(0.0, high - value)]]
            axis.errorbar(costs[name], value, ends, capsize=3, label=plots.plain(name), **mark)
        plots.log_x(axis)
        axis.set(xlabel=title, ylabel=f"{METRICS['auroc_by_patient'].title}, 95 % interval over patients")
    if axes[1].get_legend_handles_labels()[0]:
        figure.legend(*axes[1].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    return figure
