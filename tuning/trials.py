"""The trials of a search: as a table, and as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.core.files import read_csv, write_csv
from leukemia_tf.evaluation import plots
from leukemia_tf.tuning.search import Range, Trial

SCORE = "AUROC by patient"
FIXED = ("trial", "score", "seconds", "failure")


def write_trials(path: Path, trials: Sequence[Trial], names: Sequence[str]) -> Path:
    """Write trials.csv: one row per trial, one column per setting."""
    rows: list[dict[str, Any]] = [
        {
            "trial": trial.number,
            "score": "" if trial.score is None else trial.score,
            "seconds": f"{trial.seconds:.1f}",
            "failure": trial.failure,
            **trial.values,
        }
        for trial in trials
    ]
    return write_csv(path, (*FIXED, *names), rows)


def read_trials(path: Path) -> list[Trial]:
    """Read trials.csv; no trials if it does not exist."""
    if not path.is_file():
        return []
    return [
        Trial(
            int(row["trial"]),
            {name: _value(text) for name, text in row.items() if name not in FIXED},
            float(row["score"]) if row["score"] else None,
            float(row["seconds"]),
            row["failure"],
        )
        for row in read_csv(path)
    ]


def _value(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def draw_search(trials: Sequence[Trial], space: Mapping[str, Range]) -> Figure:
    """Draw the scores in the order of the trials, with the best so far, and against each setting."""
    scored = [trial for trial in trials if trial.score is not None]
    scores = np.array([trial.score for trial in scored])
    columns = min(3, 1 + len(space))
    rows = -(-(1 + len(space)) // columns)
    figure = Figure((3.4 * columns, 2.9 * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    numbers = [trial.number + 1 for trial in scored]
    axes[0].plot(numbers, np.maximum.accumulate(scores), color=plots.GREY, drawstyle="steps-post", label="best so far")
    axes[0].plot(numbers, scores, "o", color=plots.INK, ms=4, label="trials")
    axes[0].set(xlabel="trial", ylabel=SCORE)
    plots.integer_ticks(axes[0])
    axes[0].legend(frameon=False, fontsize=8)
    for axis, (name, values) in zip(axes[1:], space.items()):
        axis.plot([trial.values[name] for trial in scored], scores, "o", color=plots.INK, ms=4)
        axis.set(xlabel=name, ylabel=SCORE)
        if values.log:
            plots.log_x(axis)
    for axis in axes[1 + len(space) :]:
        axis.set_axis_off()
    for axis in axes:
        plots.tidy(axis)
    return figure
