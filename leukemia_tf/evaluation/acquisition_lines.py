"""The acquisition of the pictures as lines for the terminal, and as a caution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukemia_tf.data.acquisition import CUES
from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.acquisition import METRIC
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import footnote, format_score

SETS = {
    "together": "the cues in the pixels together",
    "together_with_file": "the same and the kind of file",
    "together_with_area": "the cues in the pixels and the area",
}


def acquisition_lines(comparison: Mapping[str, Any]) -> list[str]:
    """Return a comparison, as from `compare_acquisition`, as lines: one per cue, then the cues together."""
    columns = "".join(f"{LABEL_NAMES[label]:>16}" for label in LABELS[::-1])
    lines = [
        "acquisition: what the pictures show besides the cell, means over patients",
        f"{'':<38}{columns}   AUROC by patient, alone",
    ]
    lines += [_line(str(cue), comparison["cues"][name]) for name, cue in CUES.items() if _occurs(name, comparison)]
    lines.append(_line("cell area (px), for comparison", comparison["area"]))
    lines += [f"{title:<38}{together_text(comparison[key])}" for key, title in SETS.items()]
    return [*lines, *footnote("\n".join(lines))]


def caution(comparison: Mapping[str, Any]) -> str:
    """Return the warning where the cues alone are better than chance; empty where they are not."""
    if not comparison["separable"]:
        return ""
    key = max(("together", "together_with_file"), key=lambda name: comparison[name][METRIC]["value"])
    return (
        f"the pictures' acquisition alone tells the classes apart: {together_text(comparison[key])}; "
        "a network may learn the session instead of the cell"
    )


def together_text(score: Mapping[str, Any] | None) -> str:
    """Return the score of several cues together as text."""
    if score is None:
        return "not scored: it takes two patients of each class, and a cue that differs"
    folds = f"{score['folds']} folds of patients, {score['draws']} draws"
    return f"AUROC by patient {format_score(score[METRIC])}, permutation p {score['permutation_p']:.2g} ({folds})"


def _occurs(name: str, comparison: Mapping[str, Any]) -> bool:
    """Return whether to show a cue; a kind of file that no cell has is not shown."""
    record = comparison["cues"][name]
    return CUES[name].in_pixels or any(record[label] for label in LABELS)


def _line(title: str, record: Mapping[str, Any]) -> str:
    digits = 0 if (record["all"] or 0) >= 100 else 3
    means = "".join(f"{_number(record[label], digits):>16}" for label in LABELS[::-1])
    score = "the same in all cells" if record[METRIC] is None else format_score(record[METRIC])
    return f"{title:<38}{means}   {score}"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
