"""The figure of the acquisition cues: every patient as a point, by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from leukemia_tf.data.acquisition import AREA, CUES
from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.acquisition import METRIC
from leukemia_tf.evaluation.acquisition_lines import together_text
from leukemia_tf.evaluation.plots import COLOURS, GREY, INK, plain
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import format_score

COLUMNS = 4
SPREAD = 0.28  # of a class's points, to either side
MOST_NAMES = 60  # patients: with more their names are not drawn
LEGEND = "a point: a patient, larger with more cells, named where there is room; a line: the mean over patients"
AREA_TITLE = "cell area (px), for comparison"


def draw_acquisition(rows: Sequence[Mapping[str, Any]], comparison: Mapping[str, Any]) -> Figure:
    """Draw each cue that differs between cells: a point a patient, larger with more cells, by class.

    Parameters
    ----------
    rows : sequence of mapping
        As from `patient_rows`.
    comparison : mapping
        As from `compare_acquisition`.
    """
    titles = {name: str(cue) for name, cue in CUES.items() if comparison["cues"][name][METRIC] is not None}
    titles[AREA] = AREA_TITLE
    lines = -(-len(titles) // COLUMNS)
    figure = Figure((3.2 * COLUMNS, 2.7 * lines + 0.7), layout="constrained")
    grid = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    for axis, (name, title) in zip(grid, titles.items()):
        record = comparison["area"] if name == AREA else comparison["cues"][name]
        _draw(
            axis,
            name,
            rows,
            title if record[METRIC] is None else f"{title}\nAUROC {format_score(record[METRIC], digits=2)}",
        )
    for axis in grid[len(titles) :]:
        axis.set_axis_off()
    figure.suptitle(f"The cues in the pixels together: {together_text(comparison['together'])}\n{LEGEND}", fontsize=10)
    figure.draw_without_rendering()  # only now is it known where the names are
    for axis in grid:
        _hide_overlapping(axis.texts)
    return figure


def _hide_overlapping(names: Sequence[Text]) -> None:
    """Hide each name that overlaps one before it."""
    shown: list[Bbox] = []
    for name in names:
        box = name.get_window_extent()
        name.set_visible(not any(box.overlaps(other) for other in shown))
        shown += [box] if name.get_visible() else []


def _draw(axis: Axes, name: str, rows: Sequence[Mapping[str, Any]], title: str) -> None:
    for place, label in enumerate(LABELS[::-1]):
        some = [row for row in rows if row["label"] == label and np.isfinite(row[name])]
        values = np.array([row[name] for row in some], float)
        sizes = 14 + 10 * np.log2([row["cells"] for row in some])
        across = place + np.linspace(-SPREAD, SPREAD, max(len(some), 2))[: len(some)]
        axis.scatter(across, values, sizes, color=COLOURS[label], alpha=0.7, linewidths=0)
        if len(some):
            axis.plot((place - SPREAD, place + SPREAD), (values.mean(),) * 2, color=INK, lw=1)
        if len(rows) <= MOST_NAMES and (name == AREA or CUES[name].in_pixels):
            _draw_names(axis, across, values, [row["patient"] for row in some])
    axis.set(xlim=(-0.5, 1.5))
    axis.set_xticks(range(len(LABELS)), [LABEL_NAMES[label] for label in LABELS[::-1]], fontsize=8)
    axis.set_title(title, fontsize=8)
    axis.tick_params(axis="y", labelsize=7, colors=INK)
    axis.spines[["top", "right"]].set_visible(False)


def _draw_names(axis: Axes, across: np.ndarray, values: np.ndarray, names: Sequence[str]) -> None:
    """Name the points, those farthest from the median first: of overlapping names the first is shown."""
    look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 5, "color": GREY}
    for place in np.argsort(-np.abs(values - np.median(values)), kind="stable") if len(values) else ():
        axis.annotate(plain(names[place]), (across[place], values[place]), (0, 4), **look)
