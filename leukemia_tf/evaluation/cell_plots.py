"""Figures with a mark for each cell: strip of patients, histogram of probabilities, errors against cell size."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.plots import COLOURS, GREY, INK, RED, plain, tidy
from leukemia_tf.evaluation.predictions import LABEL_NAMES

BINS = 40  # of the histogram
GROUPS, FEWEST = 6, 8  # of cells by size: how many at most, and cells of one at least
PROBABILITY = f"probability of {LABEL_NAMES['all']}"
THRESHOLD: dict[str, Any] = {"color": GREY, "lw": 1.3, "ls": ":"}


def patient_strip(labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, threshold: float) -> Figure:
    """Draw the probability of each patient's cells and their mean, one row per patient, HEM patients below.

    The fewer cells a patient has, the larger and darker they are, so that a single one is seen.

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
        heights = place + rng.uniform(-0.25, 0.25, len(cells)) * (len(cells) > 1)
        look: dict[str, Any] = {"alpha": float(np.clip(4 / np.sqrt(len(cells)), 0.4, 0.9)), "lw": 0, "rasterized": True}
        size = float(np.clip(50 / np.sqrt(len(cells)), 6, 36))
        axis.scatter(probabilities[cells], heights, size, color=COLOURS[LABELS[labels[cells[0]]]], **look)
        axis.plot(probabilities[cells].mean(), place, "|", color=INK, ms=13, mew=2)
    axis.axvline(threshold, **THRESHOLD)
    counts = {name: f"{len(cells):,} cell" + "s" * (len(cells) > 1) for name, cells in cells_of.items()}
    axis.set_yticks(range(len(names)), [f"{plain(name)} ({counts[name]})" for name in names], fontsize=8)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(names) - 0.4), xlabel=PROBABILITY)
    axis.spines[["top", "right", "left"]].set_visible(False)
    mean = Line2D([], [], ls="", marker="|", ms=10, mew=2, color=INK, label="mean of the patient")
    handles = [*_class_handles(), mean, Line2D([], [], label="threshold", **THRESHOLD)]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    return figure


def _class_handles() -> list[Line2D]:
    return [
        Line2D([], [], ls="", marker="o", ms=4, color=COLOURS[label], label=name) for label, name in LABEL_NAMES.items()
    ]


def probability_histogram(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> Figure:
    """Draw how many cells of each class have which probability, one class above the axis and one below it.

    Parameters
    ----------
    labels, probabilities : numpy.ndarray
        int [n], float [n].
    threshold : float
        Of the decision.
    """
    figure = Figure((6.4, 3.4), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    edges = np.linspace(0, 1, BINS + 1)
    for axis, (label, name) in zip((upper, lower), LABEL_NAMES.items()):
        values = probabilities[labels == LABELS.index(label)]
        axis.hist(values, edges.tolist(), color=COLOURS[label], label=f"{name}: {len(values):,} cells")
        counts, _ = np.histogram(values, edges)
        filled = counts[counts > 0]
        spiked = len(filled) > 2 and counts.max() > 10 * np.median(filled)
        axis.set(xlim=(0, 1), ylabel="cells\n(log scale)" if spiked else "cells")
        if spiked:
            axis.set_yscale("log")
            axis.set_ylim(0.7, None)
        axis.axvline(threshold, **THRESHOLD)
        tidy(axis)
    lower.set_xlabel(PROBABILITY)
    lower.plot([], [], label="threshold", **THRESHOLD)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def errors_by_size(labels: np.ndarray, areas: np.ndarray, wrong: np.ndarray) -> Figure:
    """Draw the share of misclassified cells by cell area, in groups of as many cells, and the area of every cell.

    Parameters
    ----------
    labels, areas, wrong : numpy.ndarray
        int [n]; float [n], pixels; bool [n].
    """
    figure = Figure((6.4, 4.2), layout="constrained")
    shares, cells = figure.subplots(2, 1, sharex=True, height_ratios=(2.4, 1))
    rng = np.random.default_rng(0)
    for place, (label, name) in enumerate(LABEL_NAMES.items()):
        inside = labels == LABELS.index(label)
        if not inside.any():
            continue
        groups = np.array_split(np.argsort(areas[inside]), int(np.clip(inside.sum() // FEWEST, 1, GROUPS)))
        points = [(areas[inside][group].mean(), wrong[inside][group].mean()) for group in groups]
        marker = "so"[place]
        text = f"{name}: {wrong[inside].sum():,} of {inside.sum():,} wrong"
        shares.plot(*zip(*points), f"{marker}-", color=COLOURS[label], ms=5, label=text)
        heights = place + rng.uniform(-0.3, 0.3, inside.sum())
        size = float(np.clip(80 / np.sqrt(inside.sum()), 4, 16))
        right = ~wrong[inside]
        cells.scatter(
            areas[inside][right], heights[right], size, color=COLOURS[label], alpha=0.5, lw=0, rasterized=True
        )
        cells.scatter(areas[inside][~right], heights[~right], size + 6, color=RED, marker="x", lw=1, rasterized=True)
    shares.set(ylabel="share of the cells that is wrong", ylim=(-0.03, 1.03))
    shares.legend(frameon=False, fontsize=8)
    cells.set(xlabel="cell area, pixels; below: a dot is a cell, a red cross a wrong one", ylim=(1.5, -0.5))
    cells.set_yticks(range(len(LABEL_NAMES)), list(LABEL_NAMES.values()), fontsize=8)
    for axis in (shares, cells):
        tidy(axis)
    return figure
