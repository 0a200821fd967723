"""Pictures of a run: learning curves, confusion matrix, ROC and precision-recall curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.scores import written
from leukemia_tf.files import write_atomically

INK, TRAIN, VAL, BAND, RED = "#333333", "#7a4b94", "#d9822b", "#7a4b9433", "#b03a2e"
COLOURS = {"all": TRAIN, "hem": VAL}


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, atomically."""
    return write_atomically(path, lambda scratch: figure.savefig(scratch, dpi=120, format="png"))


def plain(name: str) -> str:
    """Return a name that came from a file, as a figure can write it: no formula, nothing but characters."""
    return name.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")


def axes(width: float = 5.0, height: float = 4.2, columns: int = 1) -> tuple[Figure, list]:
    """Return a figure and its plain axes, side by side; width (of one) and height in inches."""
    figure = Figure((width * columns, height), layout="constrained")
    row = figure.subplots(1, columns, squeeze=False)[0]
    for axis in row:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(colors=INK)
    return figure, list(row)


def learning_curves(history: Sequence[dict[str, str]]) -> Figure:
    """Draw loss and validation AUROC by epoch from history.csv's rows, a band a stage, the kept epoch marked."""
    figure, (loss, score) = axes(5.6, columns=2)

    def column(name: str) -> list[float]:
        return [float(row[name] or "nan") for row in history]

    epochs, val_loss, by_patient = column("epoch"), column("val_loss"), column("val_auroc_by_patient")
    loss.plot(epochs, column("loss"), color=TRAIN, marker=".", label="training (as weighed and varied)")
    loss.plot(epochs, val_loss, color=VAL, marker=".", label="validation")
    loss.set(xlabel="epoch", ylabel="binary cross-entropy", ylim=(0, None))
    score.plot(epochs, column("val_auroc"), color=VAL, marker=".", label="over cells")
    score.plot(epochs, by_patient, color=TRAIN, marker=".", label="every patient weighs the same")
    best = max(index for index, row in enumerate(history) if row["best"] == "1")
    score.plot(epochs[best], by_patient[best], "o", color=TRAIN, mfc="none", ms=12, label="kept")
    score.set(xlabel="epoch", ylabel="AUROC on the validation patients", ylim=(None, 1.02))
    for axis in (loss, score):
        _mark_stages(axis, epochs, [row["stage"] for row in history])
        axis.legend(frameon=False, fontsize=8)
        axis.xaxis.get_major_locator().set_params(integer=True)
    return figure


def learning_rates(rates: np.ndarray, losses: np.ndarray, steepest: float, valley: float) -> Figure:
    """Draw a range test: the smoothed loss, float [steps], against the rate, with both suggestions."""
    figure, (axis,) = axes(5.6)
    axis.plot(rates, losses, color=TRAIN)
    for rate, name, marker in ((valley, "valley", "o"), (steepest, "steepest", "s")):
        label = f"{name}: {rate:.2g}"
        axis.plot(rate, np.interp(rate, rates, losses), marker, color=VAL, mfc="none", ms=9, label=label)
    lowest, first = losses.min(), losses[0]
    axis.set(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
    axis.set_ylim(lowest - 0.1 * (first - lowest + 0.1), first + 0.5 * (first - lowest + 0.1))
    axis.legend(frameon=False, fontsize=8)
    return figure


def _mark_stages(axis: object, epochs: Sequence[float], stages: Sequence[str]) -> None:
    for number, name in enumerate(dict.fromkeys(stages)):
        inside = [epoch for epoch, stage in zip(epochs, stages) if stage == name]
        if number % 2:
            axis.axvspan(inside[0] - 0.5, inside[-1] + 0.5, color="#00000010", lw=0)
        axis.text(
            (inside[0] + inside[-1]) / 2, 1.01, name, transform=axis.get_xaxis_transform(), ha="center", fontsize=8
        )
    axis.set_xlim(0.5, epochs[-1] + 0.5)


def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray, threshold: float = 0.5) -> Figure:
    """Draw counts of cells, coloured by the share of the true class."""
    figure, (axis,) = axes(4.4)
    counts = np.array([[np.sum((labels == t) & ((probabilities >= threshold) == p)) for p in (1, 0)] for t in (1, 0)])
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(shares, cmap="Purples", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        text = f"{count}\n{share:.0%}"
        axis.text(column, row, text, ha="center", va="center", color="white" if share > 0.5 else INK, fontsize=13)
    names = LABELS[::-1]
    axis.set(xticks=(0, 1), yticks=(0, 1), xticklabels=names, yticklabels=names, xlabel="predicted", ylabel="true")
    axis.spines[:].set_visible(False)
    return figure


def roc(labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, auroc: dict[str, float]) -> Figure:
    """Draw the ROC curve over cells with its 95 % band over resampled patients.

    Parameters
    ----------
    labels, probabilities : numpy.ndarray
        int [n], float [n].
    weights : numpy.ndarray
        float [b, n], resamples of patients.
    auroc : dict
        `value`, `low`, `high`.
    """
    figure, axis = _with_band(_sensitivities, labels, probabilities, weights, f"AUROC {written(auroc)}")
    axis.plot((0, 1), (0, 1), color="#999999", lw=0.8, ls=":")
    axis.set(xlabel="1 - specificity", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.legend(frameon=False, loc="lower right", fontsize=8)
    return figure


def precision_recall(
    labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, auprc: dict[str, float]
) -> Figure:
    """Draw the precision-recall curve over cells with its 95 % band over resampled patients; see `roc`."""
    figure, axis = _with_band(_precisions, labels, probabilities, weights, f"AUPRC {written(auprc)}")
    axis.axhline(np.mean(labels), color="#999999", lw=0.8, ls=":")
    axis.set(xlabel="sensitivity (recall)", ylabel="PPV (precision)", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    axis.legend(frameon=False, loc="lower left", fontsize=8)
    return figure


def _with_band(
    curve: Callable, labels: np.ndarray, probabilities: np.ndarray, weights: np.ndarray, label: str
) -> tuple[Figure, Axes]:
    """Draw a curve over 0-1, and behind it where 95 % of the curves of the resamples lie."""
    figure, (axis,) = axes(4.6)
    grid = np.linspace(0, 1, 201)
    order = np.argsort(-probabilities, kind="stable")
    positive, last = labels[order] == 1, np.r_[np.diff(probabilities[order]) != 0, True]

    def drawn(weight: np.ndarray) -> np.ndarray:
        hits, alarms = (np.cumsum(weight[order] * which)[last] for which in (positive, ~positive))
        return curve(hits, alarms, grid)

    low, high = np.percentile(np.stack([drawn(row) for row in weights]), (2.5, 97.5), axis=0)
    axis.fill_between(grid, low, high, color=BAND, lw=0, label="95 % over patients")
    axis.plot(grid, drawn(np.ones(len(labels))), color=TRAIN, label=label)
    return figure, axis


def _sensitivities(hits: np.ndarray, alarms: np.ndarray, grid: np.ndarray) -> np.ndarray:
    return np.interp(grid, np.r_[0, alarms / alarms[-1]], np.r_[0, hits / hits[-1]])


def _precisions(hits: np.ndarray, alarms: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return, at each sensitivity, the best precision with that or more, as is usual for the curve."""
    counted = hits + alarms > 0
    hits, alarms = hits[counted], alarms[counted]
    best = np.maximum.accumulate((hits / (hits + alarms))[::-1])[::-1]
    return best[np.minimum(np.searchsorted(hits / hits[-1], grid - 1e-12), len(best) - 1)]


def contact_sheet(rows: dict[str, dict[str, np.ndarray]], title: str) -> Figure:
    """Draw pictures in a grid, each column brightened alike.

    Parameters
    ----------
    rows : dict
        By the row's name: uint8 [h, w, 3] pictures by the column's name, as many in each row.
    title : str
        Over the sheet.
    """
    columns = list(next(iter(rows.values())))
    figure = Figure((1.7 * len(columns) + 0.4, 1.75 * len(rows) + 0.5), layout="constrained")
    figure.suptitle(title)
    brightest = {
        column: np.median([np.percentile(row[column], 99.5) for row in rows.values()]) or 1 for column in columns
    }
    for axes, (name, pictures) in zip(figure.subplots(len(rows), len(columns), squeeze=False), rows.items()):
        for axis, (column, picture) in zip(axes, pictures.items()):
            axis.imshow(np.clip(picture * (255 / brightest[column]), 0, 255).astype(np.uint8))
            axis.set(xticks=(), yticks=())
            axis.spines[:].set_visible(False)
            if name == next(iter(rows)):
                axis.set_title(column, fontsize=9)
        axes[0].set_ylabel(name, fontsize=9)
    return figure
