"""The figure of `stress`: what each alteration costs, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from leukemia_tf.data.alterations import KEEPS, REMOVES
from leukemia_tf.evaluation import plots
from leukemia_tf.evaluation.stress_scores import MOST

GROUPS = {KEEPS: "must keep the answer", REMOVES: "remove what may carry the answer"}
COLUMNS = {"difference": "AUROC by patient", "difference_specificity": "specificity"}


def draw_stress(stress: Mapping[str, Any]) -> Figure:
    """Draw the differences in AUROC by patient and in specificity, altered minus unaltered, a row per alteration.

    Parameters
    ----------
    stress : mapping
        The content of stress.json. A difference without an interval is an open circle.
    """
    groups = {kind: [row for row in stress["rows"] if row["kind"] == kind] for kind in GROUPS}
    heights = [len(rows) + 1 for rows in groups.values()]
    figure = Figure((8.6, 1.2 + 0.27 * sum(heights)), layout="constrained")
    axes = figure.subplots(2, len(COLUMNS), squeeze=False, sharey="row", height_ratios=heights)
    for (kind, rows), line in zip(groups.items(), axes):
        for axis, key in zip(line, COLUMNS):
            _draw_rows(axis, rows, key)
            if kind == KEEPS:
                axis.axvline(-MOST[key], color=plots.RED, lw=0.8, ls=":")
        line[0].set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
        line[0].set_ylim(len(rows) - 0.5, -0.5)
        line[0].set_title(GROUPS[kind], fontsize=9, loc="left")
    figure.legend(handles=_legend(), loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    for axis, title in zip(axes[-1], COLUMNS.values()):
        axis.set_xlabel(f"{title}, altered minus unaltered")
    return figure


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=plots.INK, marker="o", ms=5, lw=1.4, label="difference with its 95 % interval"),
        Line2D([], [], color=plots.INK, marker="o", ms=5, mfc="none", ls="", label="no interval"),
        Line2D([], [], color=plots.RED, ls=":", lw=0.8, label="the most that it may cost"),
    ]


def _draw_rows(axis: Axes, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    axis.axvline(0, color=plots.GREY, lw=0.8)
    for place, row in enumerate(rows):
        value, low, high = (row[key][end] for end in ("value", "low", "high"))
        if value is None or not np.isfinite(value):
            continue
        certain = low is not None and high is not None and np.isfinite(low)
        if certain:
            axis.plot((low, high), (place, place), color=plots.INK, lw=1.4)
        axis.plot(value, place, "o", ms=5, color=plots.INK, mfc=plots.INK if certain else "none")
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(colors=plots.INK, axis="y", length=0)
    axis.grid(axis="x", color="#00000014")
