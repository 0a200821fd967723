"""Error analysis over several networks: what they get wrong together, and what one alone gets right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.evaluation import plots

COLUMNS = 6  # of a gallery


def wrong_answers(labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return which answers are wrong: int [n] and int [networks, n] -> bool [networks, n]."""
    return np.asarray(said) != np.asarray(labels)


def only_right(wrong: np.ndarray) -> list[np.ndarray]:
    """Return for each network the cells that it alone gets right: bool [networks, n] -> int [m] for each."""
    alone = wrong.sum(0) == len(wrong) - 1
    return [np.flatnonzero(alone & ~row) for row in wrong]


def by_patient(labels: np.ndarray, patients: np.ndarray, wrong: np.ndarray) -> list[dict[str, object]]:
    """Return how many of each patient's cells each network, and all of them together, get wrong.

    Parameters
    ----------
    labels, patients : numpy.ndarray
        int [n], str [n].
    wrong : numpy.ndarray
        bool [networks, n].

    Returns
    -------
    list of dict
        `patient`, `label` (0 or 1), `cells`, `wrong` (a count a network), `all_wrong`; the worst first.
    """
    rows = []
    for patient in np.unique(patients):
        own = patients == patient
        counts = wrong[:, own].sum(1)
        together = int(wrong[:, own].all(0).sum())
        label = int(labels[own][0])
        row = {"patient": str(patient), "label": label, "cells": int(own.sum()), "wrong": counts.tolist()}
        rows.append({**row, "all_wrong": together})
    return sorted(rows, key=lambda row: -np.mean(row["wrong"]) / row["cells"])


def draw_wrong_counts(labels: np.ndarray, wrong: np.ndarray) -> Figure:
    """Draw how many cells k of the n networks get wrong, by class."""
    figure, (axis,) = plots.axes(6.0)
    times, count = wrong.sum(0), len(wrong) + 1
    bottom = np.zeros(count)
    for label, name in ((1, "all"), (0, "hem")):
        cells = np.bincount(times[labels == label], minlength=count)
        axis.bar(range(count), cells, bottom=bottom, color=plots.COLOURS[name], label=f"{name}: {cells.sum():,} cells")
        bottom += cells
    for place, total in enumerate(bottom):
        axis.annotate(f"{total:,.0f}", (place, total), (0, 3), textcoords="offset points", ha="center", fontsize=9)
    axis.set(xlabel=f"how many of the {len(wrong)} networks get a cell wrong", ylabel="cells", xticks=range(count))
    axis.legend(frameon=False, fontsize=9)
    return figure


def draw_gallery(pictures: Sequence[tuple[str, np.ndarray]], title: str) -> Figure:
    """Draw cells with a caption each, brightened alike: uint8 [h, w, 3]."""
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure((1.7 * columns, 1.9 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=11)
    brightest = np.median([np.percentile(pixels, 99.5) for _, pixels in pictures]) or 1
    for axis in figure.subplots(rows, columns, squeeze=False).flat:
        axis.set_axis_off()
    for axis, (caption, pixels) in zip(figure.axes, pictures):
        axis.imshow(np.clip(pixels * (255 / brightest), 0, 255).astype(np.uint8))
        axis.set_title(caption, fontsize=8)
    return figure


def draw_histories(histories: Mapping[str, Sequence[dict]]) -> Figure:
    """Draw losses and validation accuracy of several runs over each other: history.csv's rows by the run's name.

    What no run has is left out: a split may have no validation part.
    """
    columns = {"loss": "training loss", "val_loss": "validation loss", "val_accuracy": "validation accuracy"}
    shown = [name for name in columns if any(row[name] for rows in histories.values() for row in rows)] or ["loss"]
    figure, axes = plots.axes(4.6, columns=len(shown))
    for axis, column in zip(axes, shown):
        for name, rows in histories.items():
            epochs, values = ([float(row[key] or "nan") for row in rows] for key in ("epoch", column))
            axis.plot(epochs, values, ".-", label=name)
        axis.set(xlabel="epoch", ylabel=columns[column])
        axis.xaxis.get_major_locator().set_params(integer=True)
        if column != "val_accuracy":
            axis.set_ylim(0, None)
    axes[-1].legend(frameon=False, fontsize=8)
    return figure


def draw_costs(scores: Mapping[str, dict], parameters: Mapping[str, int], seconds: Mapping[str, float]) -> Figure:
    """Draw each run's score, with its interval, against its parameters and against its seconds of training.

    Parameters
    ----------
    scores : mapping of str to dict
        `value`, `low`, `high` of the AUROC by patient.
    parameters, seconds : mapping of str to number
        By the same names.
    """
    figure, axes = plots.axes(5.6, columns=2)
    for axis, costs, title in zip(axes, (parameters, seconds), ("parameters", "seconds of training")):
        for number, (name, score) in enumerate(scores.items()):
            if score["value"] is None or score["low"] is None:  # undefined
                continue
            ends = [[max(0.0, score["value"] - score["low"])], [max(0.0, score["high"] - score["value"])]]
            axis.errorbar(costs[name], score["value"], ends, fmt="o", color=f"C{number}", capsize=3, label=name)
        axis.set(xscale="log", xlabel=title, ylabel="AUROC by patient, 95 % over patients")
    if axes[1].get_legend_handles_labels()[0]:
        figure.legend(*axes[1].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=8)
    return figure
