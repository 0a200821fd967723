"""Pictures of a data folder: who brings how many cells, how large they are, which come twice, what a leak is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.data.examine import Examination
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.splits import Twins
from leukemia_tf.evaluation.plots import COLOURS, INK, RED

SHOWN = 4  # pairs, and odd cells


def draw_audit(examination: Examination, found: dict) -> Figure:
    """Draw who brings how many cells, and how large they are.

    Parameters
    ----------
    examination : Examination
        What the images show.
    found : dict
        The content of audit.json.
    """
    figure = Figure((12.6, 4.4), layout="constrained")
    counts, sizes = figure.subplots(1, 2, width_ratios=(1.6, 1))
    _draw_counts(counts, found["per_patient"])
    _draw_sizes(sizes, examination)
    return figure


def _draw_counts(axis: Axes, rows: list[dict]) -> None:
    rows = sorted(rows, key=lambda row: (row["label"], -row["images"]))
    for label, colour in COLOURS.items():
        own = [(place, row) for place, row in enumerate(rows) if row["label"] == label]
        images, patients = sum(row["images"] for _, row in own), len(own)
        axis.bar(
            [place for place, _ in own],
            [row["images"] for _, row in own],
            color=colour,
            label=f"{label}: {images:,} cells of {patients} patients",
        )
    axis.set(yscale="log", ylabel="cells (logarithmic)", title="Who brings how many cells")
    names = [row["patient"] for row in rows] if len(rows) <= 60 else []
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axis.set_xlabel("patient")
    _plain(axis)


def _draw_sizes(axis: Axes, examination: Examination) -> None:
    areas = {
        label: [look.area for cell, look in zip(examination.cells, examination.looks) if cell.label == label]
        for label in COLOURS
    }
    bins = np.linspace(0, max((max(values) for values in areas.values() if values), default=1), 50)
    for label, colour in COLOURS.items():
        axis.hist(areas[label], bins, color=colour, alpha=0.65, density=True, label=label)
    axis.set(xlabel="area of the cell, pixels", yticks=(), title="How large the cells are")
    axis.spines["left"].set_visible(False)
    _plain(axis)


def _plain(axis: Axes) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(colors=INK)
    axis.legend(frameon=False, fontsize=9)


def draw_cells(folder: Path, examination: Examination, twins: Sequence[Twins]) -> Figure:
    """Draw some cells that were photographed twice, those of two patients first, and some odd ones.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    examination : Examination
        What its images show.
    twins : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.
    """
    figure = Figure((12.6, 4.0), layout="constrained")
    across = [pair for pair in twins if pair[0].patient != pair[1].patient]
    pairs = (across[: SHOWN // 2] + [pair for pair in twins if pair not in across])[:SHOWN]
    odd = [(cell, look.warning) for cell, look in zip(examination.cells, examination.looks) if look.warning][:SHOWN]
    axes = figure.subplots(2, 2 * SHOWN, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    pair_count, odd_count = f"{len(twins):,}", sum(bool(look.warning) for look in examination.looks)
    figure.suptitle(f"One cell photographed twice ({pair_count} pairs, above)   ·   odd cells ({odd_count:,}, below)")
    for column, (one, other, likeness) in enumerate(pairs):
        for axis, cell in zip(axes[0, 2 * column : 2 * column + 2], (one, other)):
            _show(axis, folder, cell.path, f"likeness {likeness:.3f}" if cell is one else "")
    for axis, (cell, warning) in zip(axes[1], odd):
        _show(axis, folder, cell.path, warning.split(":")[0])
    return figure


def _show(axis: Axes, folder: Path, path: str, note: str) -> None:
    pixels = read_image(folder / path)[1]
    axis.imshow(np.clip(pixels * (200.0 / max(1, np.percentile(pixels, 99))), 0, 255).astype(np.uint8))
    axis.set_title(f"{Path(path).stem}\n{note}", fontsize=7)


def draw_leak(leak: dict) -> Figure:
    """Draw the scores of one classifier under folds by image and by patient, with their intervals."""
    figure = Figure((6.4, 2.9), layout="constrained")
    axis = figure.subplots()
    names = {"auroc": "AUROC over cells", "auroc_by_patient": "AUROC by patient", "weighted_f1": "weighted F1"}
    for shift, by, colour in ((-0.12, "image", RED), (0.12, "patient", COLOURS["all"])):
        for place, name in enumerate(names):
            score = leak[by][name]
            axis.plot((score["low"], score["high"]), (place + shift,) * 2, color=colour, lw=2)
            axis.plot(score["value"], place + shift, "o", color=colour, label=f"folds by {by}" if not place else None)
            axis.annotate(
                f"{score['value']:.3f}",
                (score["value"], place + shift),
                (0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=colour,
            )
    axis.set_yticks(range(len(names)), names.values())
    axis.set(
        ylim=(len(names) - 0.5, -0.6), title="One classifier, two ways to draw the folds", xlabel="95 % over patients"
    )
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8, loc="upper left")
    return figure
