"""The scores of a cross-validation as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from leukemia_tf.evaluation.area_comparison import comparison_lines
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import (
    INTERVALS,
    UNITS,
    count_text,
    format_score,
    interval_notes,
    title_over_cells,
)

SHOWN = ("auroc_by_patient", "auroc", "weighted_f1", "accuracy")
RATES = ("sensitivity", "specificity")
PATIENTS = " ".join(LABEL_NAMES.values())  # titles of the counts of patients
WIDTH = 18 + 1 + 6 + 1 + len(PATIENTS) + 2  # of what stands before the scores
FOOTNOTES = (
    "mean of the folds: each fold's network on its test cells. pooled: every cell's out-of-fold prediction in one",
    "table; the folds' networks differ in level, and share their training",
)


def table(metrics: Mapping[str, Any]) -> str:
    """Return the folds, their mean and standard deviation, and the pooled scores: one line each.

    Parameters
    ----------
    metrics : mapping
        The content of metrics.json.
    """
    lines = ["", *([metrics["caution"]] if "caution" in metrics else [])]
    lines.append(f"{'':<18} {'cells':>6} {PATIENTS}  {_columns(map(title_over_cells, SHOWN))}")
    for row in metrics["runs"]:
        name = f"seed {row['seed']}, fold {row['fold']}"
        lines.append(_counts(name, row) + _columns(_short(row[metric]) for metric in SHOWN))
    lines.append(f"{'mean of the folds (sd)':<{WIDTH}}{_spreads(metrics['over_folds'])}")
    for name, part in metrics["parts"].items():
        lines.append(_counts(f"{name.replace('-', ' ')}, pooled", part) + _scores(part))
    lines += [f"folds by {metrics['protocol']}; {INTERVALS}", *FOOTNOTES]
    for name, part in metrics["parts"].items():
        rates = (f"{METRICS[metric].title} {format_score(part['patient'][metric])}" for metric in RATES)
        lines += ["", f"{name.replace('-', ' ')}, {UNITS['patient']}: {', '.join(rates)}"]
        lines += comparison_lines(part["compared_with_area"]) if "compared_with_area" in part else []
        lines += interval_notes(part, "\n".join(lines))
    return "\n".join(lines + (_holdout_lines(metrics["holdout"]) if "holdout" in metrics else []))


def _holdout_lines(holdout: Mapping[str, Any]) -> list[str]:
    part = holdout["mean"]
    return [
        "",
        f"held out: {count_text(part)}",
        f"{'folds, mean (sd)':<{WIDTH}}{_spreads(holdout['over_folds'])}",
        *(f"{f'their {name}':<{WIDTH}}{_scores(holdout[name])}" for name in ("vote", "mean")),
    ]


def _counts(name: str, part: Mapping[str, Any]) -> str:
    counts = " ".join(f"{part['patients'][label]:>{len(title)}}" for label, title in LABEL_NAMES.items())
    return f"{name:<18} {part['cells']:>6} {counts}  "


def _columns(texts: Iterable[str]) -> str:
    return "".join(f"{text:<24}" for text in texts)


def _scores(part: Mapping[str, Any]) -> str:
    return _columns(format_score(part["cell"][metric]) for metric in SHOWN)


def _spreads(over_folds: Mapping[str, Mapping[str, float]]) -> str:
    return _columns(f"{over_folds[metric]['mean']:.3f} ({over_folds[metric]['sd']:.3f})" for metric in SHOWN)


def _short(value: float | None) -> str:
    return "undefined" if value is None or not np.isfinite(value) else f"{value:.3f}"
