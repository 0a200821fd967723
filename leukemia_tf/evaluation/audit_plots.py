"""Figures of a data folder: cells per patient, cell area, near-duplicates, and the effect of leaking patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.patient_groups import NearDuplicate
from leukemia_tf.data.scan import Scan
from leukemia_tf.evaluation.plots import COLOURS, INK, RED, log_where_spiked
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import title_over_cells

SHOWN = 4  # pairs of near-duplicates, and cells with a warning
LEAK_METRICS = ("auroc", "auroc_by_patient", "weighted_f1")


def draw_audit(scanned: Scan, findings: Mapping[str, Any]) -> Figure:
    """Draw the number of cells per patient and the distribution of cell area.

    Parameters
    ----------
    scanned : Scan
        Statistics of the images.
    findings : mapping
        The content of audit.json.
    """
    figure = Figure((12.6, 4.4), layout="constrained")
    counts, sizes = figure.subplots(1, 2, width_ratios=(1.6, 1))
    _draw_counts(counts, findings["per_patient"])
    _draw_sizes(sizes, scanned)
    return figure


def _draw_counts(axis: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: (row["label"], -row["images"]))
    for label, colour in COLOURS.items():
        bars = {place: row["images"] for place, row in enumerate(rows) if row["label"] == label}
        text = f"{LABEL_NAMES[label]}: {sum(bars.values()):,} cells of {len(bars)} patients"
        axis.bar(list(bars), list(bars.values()), color=colour, label=text)
    axis.margins(y=0.2)  # for the legend
    axis.set(ylabel="cells", title="Cells per patient")
    if log_where_spiked(axis, [row["images"] for row in rows]):
        axis.yaxis.set_major_formatter(ScalarFormatter())
        axis.yaxis.set_minor_formatter(NullFormatter())
    names = [row["patient"] for row in rows] if len(rows) <= 60 else []
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axis.set_xlabel("patient")
    _tidy(axis)


def _draw_sizes(axis: Axes, scanned: Scan) -> None:
    areas = {
        label: [one.area for cell, one in zip(scanned.cells, scanned.statistics) if cell.label == label]
        for label in COLOURS
    }
    bins = np.linspace(0, max((max(values) for values in areas.values() if values), default=1), 50).tolist()
    for label, colour in ((label, colour) for label, colour in COLOURS.items() if areas[label]):
        look: dict[str, Any] = {"histtype": "stepfilled", "density": True}
        axis.hist(areas[label], bins, color=f"{colour}55", edgecolor=colour, lw=1.2, label=LABEL_NAMES[label], **look)
    axis.set(xlabel="cell area, pixels", yticks=(), title="Cell area")
    axis.spines["left"].set_visible(False)
    _tidy(axis)


def _tidy(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(colors=INK)
    if axis.has_data():
        axis.legend(frameon=False, fontsize=9)


def draw_cells(folder: Path, scanned: Scan, near_duplicates: Sequence[NearDuplicate]) -> Figure:
    """Draw pairs of near-duplicates, those across patients first, and cells with a warning.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    scanned : Scan
        Statistics of its images.
    near_duplicates : sequence of (Cell, Cell, float)
        With the similarity of each pair.
    """
    figure = Figure((12.6, 4.0), layout="constrained")
    across = [pair for pair in near_duplicates if pair[0].patient != pair[1].patient]
    pairs = (across[: SHOWN // 2] + [pair for pair in near_duplicates if pair not in across])[:SHOWN]
    warned = [(cell, one.warning) for cell, one in zip(scanned.cells, scanned.statistics) if one.warning]
    figure.suptitle(
        f"near-duplicates ({len(near_duplicates):,} pairs, top)   ·   cells with a warning ({len(warned):,}, bottom)"
    )
    axes = figure.subplots(2, 2 * SHOWN, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for column, (first, second, similarity) in enumerate(pairs):
        _show(axes[0, 2 * column], folder, first.path, f"similarity {similarity:.3f}")
        _show(axes[0, 2 * column + 1], folder, second.path, "")
    for axis, (cell, warning) in zip(axes[1], warned[:SHOWN]):
        _show(axis, folder, cell.path, warning.split(":")[0])
    return figure


def _show(axis: Axes, folder: Path, path: str, note: str) -> None:
    pixels = read_image(folder / path)[1]
    axis.imshow(np.clip(pixels * (200.0 / max(1, np.percentile(pixels, 99))), 0, 255).astype(np.uint8))
    axis.set_title(f"{Path(path).stem}\n{note}", fontsize=7)


def draw_leak(leak: Mapping[str, Any]) -> Figure:
    """Draw the scores of one classifier with folds by image and by patient, with their intervals."""
    figure = Figure((6.4, 2.9), layout="constrained")
    axis = figure.subplots()
    for shift, by, colour in ((-0.2, "image", RED), (0.2, "patient", INK)):
        for place, name in enumerate(LEAK_METRICS):
            score, height = leak[by][name], place + shift
            axis.plot((score["low"], score["high"]), (height, height), color=colour, lw=2)
            axis.plot(score["value"], height, "o", color=colour, label=None if place else f"folds by {by}")
            axis.annotate(
                f"{score['value']:.3f}",
                (score["value"], height),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=colour,
            )
    axis.set_yticks(range(len(LEAK_METRICS)), [title_over_cells(name) for name in LEAK_METRICS])
    axis.set(
        ylim=(len(LEAK_METRICS) - 0.5, -0.6),
        title="One classifier, folds by image and by patient",
        xlabel="score with 95 % interval over patients",
    )
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
