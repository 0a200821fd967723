"""The scores of a cross-validation as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from leukemia_tf.evaluation.area_comparison import comparison_lines
from leukemia_tf.evaluation.scores import INTERVALS, format_score, interval_notes

SHOWN = {"auroc_by_patient": "AUROC by patient", "auroc": "AUROC", "weighted_f1": "weighted F1", "accuracy": "accuracy"}
RATES = {"sensitivity": "sensitivity", "specificity": "specificity"}
FOOTNOTES = (
    "mean of the folds: each fold's network on its own test cells. pooled: every cell's out-of-fold prediction in one",
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
    lines.append(f"{'':<18} {'cells':>6} {'all':>4} {'hem':>4}  {_columns(SHOWN.values())}")
    for row in metrics["runs"]:
        name = f"seed {row['seed']}, fold {row['fold']}"
        lines.append(_counts(name, row) + _columns(_short(row[metric]) for metric in SHOWN))
    lines.append(f"{'mean of the folds (sd)':<36}{_spreads(metrics['over_folds'])}")
    for name, part in metrics["parts"].items():
        lines.append(_counts(f"{name.replace('-', ' ')}, pooled", part) + _scores(part))
    lines += [f"folds by {metrics['protocol']}; {INTERVALS}", *FOOTNOTES]
    for name, part in metrics["parts"].items():
        rates = (f"{title} {format_score(part['patient'][metric])}" for metric, title in RATES.items())
        lines += ["", f"{name.replace('-', ' ')}, patients by the mean of their cells: {', '.join(rates)}"]
        lines += comparison_lines(part["compared_with_area"]) if "compared_with_area" in part else []
        lines += interval_notes(part, "\n".join(lines))
    return "\n".join(lines + (_holdout_lines(metrics["holdout"]) if "holdout" in metrics else []))


def _holdout_lines(holdout: Mapping[str, Any]) -> list[str]:
    part = holdout["mean"]
    leukemic, normal = part["patients"]["all"], part["patients"]["hem"]
    return [
        "",
        f"held out: {part['cells']} cells of {leukemic} leukemic and {normal} normal patients",
        f"{'folds, mean (sd)':<36}{_spreads(holdout['over_folds'])}",
        *(f"{f'their {name}':<36}{_scores(holdout[name])}" for name in ("vote", "mean")),
    ]


def _counts(name: str, part: Mapping[str, Any]) -> str:
    return f"{name:<18} {part['cells']:>6} {part['patients']['all']:>4} {part['patients']['hem']:>4}  "


def _columns(texts: Iterable[str]) -> str:
    return "".join(f"{text:<24}" for text in texts)


def _scores(part: Mapping[str, Any]) -> str:
    return _columns(format_score(part["cell"][metric]) for metric in SHOWN)


def _spreads(over_folds: Mapping[str, Mapping[str, float]]) -> str:
    return _columns(f"{over_folds[metric]['mean']:.3f} ({over_folds[metric]['sd']:.3f})" for metric in SHOWN)


def _short(value: float | None) -> str:
    return "undefined" if value is None or not np.isfinite(value) else f"{value:.3f}"
