"""The figures of a training: learning curves, learning-rate range test, contact sheet."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.evaluation.plots import GREY, INK, TRAIN, VAL, axes, integer_ticks, log_where_spiked, log_x, plain
from leukemia_tf.training.history import kept_row


def learning_curves(history: Sequence[Mapping[str, str]]) -> Figure:
    """Draw loss, accuracy and validation AUROC by epoch from history.csv's rows; stages and the kept epoch are marked.

    Rows of older versions have no training accuracy.
    """
    figure, (loss, accuracy, score) = axes(5.0, columns=3)

    def column(name: str) -> list[float]:
        return [float(row.get(name) or "nan") for row in history]

    epochs = column("epoch")
    loss.plot(epochs, column("loss"), color=TRAIN, marker=".", label="training (weighted, augmented)")
    loss.plot(epochs, column("val_loss"), color=VAL, marker=".", ls="--", label="validation")
    loss.axhline(0, lw=0)  # the axis then begins at 0 with a margin above the curves
    loss.set(xlabel="epoch", ylabel="binary cross-entropy")
    if not log_where_spiked(loss, column("loss") + column("val_loss")):
        loss.set_ylim(0, None)
    accuracy.plot(epochs, column("accuracy"), color=TRAIN, marker=".", label="training (augmented)")
    accuracy.plot(epochs, column("val_accuracy"), color=VAL, marker=".", ls="--", label="validation")
    accuracy.set(xlabel="epoch", ylabel="accuracy", ylim=(None, 1.02))
    score.plot(epochs, column("val_auroc"), color=VAL, marker="s", ms=3, ls=":", label="AUROC over cells, validation")
    score.plot(epochs, column("val_auroc_by_patient"), color=VAL, marker=".", label="AUROC by patient, validation")
    score.set(xlabel="epoch", ylabel="AUROC", ylim=(None, 1.02))
    kept = epochs[kept_row(history)]
    for axis in (loss, accuracy, score):
        axis.axvline(kept, color=GREY, lw=1, ls="--", label=f"kept: epoch {kept:.0f}")
        _mark_stages(axis, epochs, [row["stage"] for row in history])
        axis.legend(frameon=False, fontsize=8)
        integer_ticks(axis)
    names = dict.fromkeys(row["stage"] for row in history)
    stages = ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
    figure.supxlabel(plain(textwrap.fill(f"stages, numbered above the curves: {stages}", 160)), fontsize=8)
    return figure


def _mark_stages(axis: Axes, epochs: Sequence[float], stages: Sequence[str]) -> None:
    """Shade every other stage, with its number above it."""
    for number, name in enumerate(dict.fromkeys(stages)):
        inside = [epoch for epoch, stage in zip(epochs, stages) if stage == name]
        if number % 2:
            axis.axvspan(inside[0] - 0.5, inside[-1] + 0.5, color="#00000010", lw=0)
        middle = (inside[0] + inside[-1]) / 2
        axis.text(middle, 1.01, str(number + 1), transform=axis.get_xaxis_transform(), ha="center", fontsize=8)
    axis.set_xlim(0.5, epochs[-1] + 0.5)


def learning_rates(rates: np.ndarray, losses: np.ndarray, untrained: float, suggested: float | None) -> Figure:
    """Draw a range test: the loss, float [steps], against the rate, the loss without training, and the suggestion."""
    figure, (axis,) = axes(5.6)
    axis.plot(rates, losses, color=TRAIN, label="training cells, mean of the sweeps")
    axis.axhline(untrained, color=GREY, ls="--", lw=1, label="without training")
    if suggested:
        height, label = np.interp(suggested, rates, losses), f"suggested: {suggested:.2g}"
        axis.plot(suggested, height, "o", color=INK, mfc="none", ms=9, label=label)
    axis.set(xlabel="learning rate", ylabel="loss")
    log_x(axis)
    margin = 0.1 * (untrained - losses.min() + 0.1)
    axis.set_ylim(losses.min() - margin, untrained + 5 * margin)
    axis.legend(frameon=False, fontsize=8)
    return figure


def contact_sheet(rows: Mapping[str, Mapping[str, np.ndarray]], title: str) -> Figure:
    """Draw pictures in a grid; all pictures of a column are brightened by the same factor.

    Parameters
    ----------
    rows : mapping
        By the row's name: uint8 [h, w, 3] pictures by the column's name, as many in each row.
    title : str
        Above the grid.
    """
    columns = list(next(iter(rows.values())))
    figure = Figure((1.7 * len(columns) + 0.4, 1.75 * len(rows) + 0.5), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(rows), len(columns), squeeze=False)
    for place, column in enumerate(columns):
        brightest = np.median([np.percentile(row[column], 99.5) for row in rows.values()]) or 1
        for axis, row in zip(grid[:, place], rows.values()):
            axis.imshow(np.clip(row[column] * (255 / brightest), 0, 255).astype(np.uint8))
            axis.set(xticks=(), yticks=())
            axis.spines[:].set_visible(False)
        grid[0, place].set_title(column, fontsize=9)
    for axis, name in zip(grid[:, 0], rows):
        axis.set_ylabel(name, fontsize=9)
    return figure
