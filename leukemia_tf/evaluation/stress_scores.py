"""What alterations of the cells cost a network: paired differences of its scores, and what they say in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukemia_tf.data.alterations import ALTERATIONS, KEEPS, REMOVES
from leukemia_tf.evaluation.intervals import FEWEST, paired_difference, score_with_intervals
from leukemia_tf.evaluation.scores import NO_INTERVAL, footnote, format_score

METRICS = ("auroc_by_patient", "auroc", "sensitivity", "specificity")
MOST = {"difference": 0.02, "difference_specificity": 0.05}  # what an alteration that keeps the answer may cost
FILLED = "inside filled with its mean"
COLUMNS = (
    *("cells", "AUROC by patient", "difference", "sensitivity, difference", "specificity, difference"),
    *("unlike training", "AUROC over cells", "AUROC over cells, difference"),  # the last two not in the terminal
)


def between_patients(values: np.ndarray, labels: np.ndarray, patients: np.ndarray) -> float:
    """Return the standard deviation of the patients' means within their class.

    Parameters
    ----------
    values, labels, patients : numpy.ndarray
        float [n], int [n], str [n].

    Returns
    -------
    float
        Of all patients together where no class has two; 0 for a single patient.
    """
    _, first, patient = np.unique(patients, return_index=True, return_inverse=True)
    means, classes = np.bincount(patient, values) / np.bincount(patient), np.asarray(labels)[first]
    centred = [means[classes == label] - means[classes == label].mean() for label in np.unique(classes)]
    squares, freedom = sum(float((part**2).sum()) for part in centred), len(means) - len(centred)
    if freedom:
        return float(np.sqrt(squares / freedom))
    return float(means.std(ddof=1)) if len(means) > 1 else 0.0


def stress_scores(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    thresholds: float | np.ndarray,
    unlike: np.ndarray,
) -> dict[str, Any]:
    """Score a network on unaltered and on altered cells.

    Parameters
    ----------
    labels, patients : numpy.ndarray
        int [n], str [n].
    probabilities : numpy.ndarray
        float [1 + alterations, n], those of the unaltered cells first.
    thresholds : float or numpy.ndarray
        Of the decision; one for all, or float [n].
    unlike : numpy.ndarray
        bool [1 + alterations, n]: which pictures are out of distribution.

    Returns
    -------
    dict
        `base` and `rows`, one per alteration. Each has `METRICS` as numbers, their intervals as `scores`, and
        `unlike_training`, a share. A row also has `name`, `kind`, `left`; `difference`, altered minus unaltered, of the
        AUROC by patient, and of the other metrics as `difference_auroc` and so on, with their intervals paired over
        patients; and `costs`: whether it must keep the answer and costs more than `MOST`.
    """
    base, *others = (
        _scores(labels, values, patients, thresholds, far) for values, far in zip(probabilities, unlike, strict=True)
    )
    rows = []
    for alteration, scores, values in zip(ALTERATIONS, others, probabilities[1:], strict=True):
        paired = paired_difference(labels, values, probabilities[0], patients, (thresholds, thresholds))
        differences = {_key(metric): paired[metric] for metric in METRICS}
        costs = alteration.kind == KEEPS and any(differences[key]["value"] < -most for key, most in MOST.items())
        named = {"name": alteration.name, "kind": alteration.kind, "left": alteration.left}
        rows.append({**named, **scores, **differences, "costs": costs})
    return {"base": base, "rows": rows}


def _scores(
    labels: np.ndarray, probabilities: np.ndarray, patients: np.ndarray, thresholds: float | np.ndarray, far: np.ndarray
) -> dict[str, Any]:
    scores = score_with_intervals(labels, probabilities, patients, thresholds)
    values = {metric: scores[metric]["value"] for metric in METRICS}
    return {
        **values,
        "scores": {metric: scores[metric] for metric in METRICS},
        "unlike_training": float(np.mean(far)),
    }


def _key(metric: str) -> str:
    return "difference" if metric == METRICS[0] else f"difference_{metric}"


def verdict(stress: Mapping[str, Any]) -> list[str]:
    """Return what the rows say, in sentences: from the content of stress.json, or of `stress_scores`."""
    base, rows = stress["base"], stress["rows"]
    if not base["auroc_by_patient"] > 0.5:
        return ["The network does not separate the classes on these patients, so no alteration can cost it anything."]
    removes = [row for row in rows if row["kind"] == REMOVES]
    filled = next(row for row in removes if row["name"] == FILLED)
    others = ", ".join(f"{row['name']} {_over_chance(row)}" for row in removes if row is not filled)
    sentences = [
        f"Its AUROC by patient is {_over_chance(base)} over chance (0.5). With {filled['left']} alone "
        f"{_over_chance(filled)} is left.",
        f"The others leave: {others}.",
        _costs([row for row in rows if row["costs"]]),
    ]
    without = base["scores"]["auroc_by_patient"]["low"]
    if without is None or not np.isfinite(without):
        sentences.append(
            f"No intervals: fewer than {FEWEST} patients of a class were tested. The folder of a cross-validation "
            "pools all patients."
        )
    return sentences


def _costs(rows: Sequence[Mapping[str, Any]]) -> str:
    limits = f"{MOST['difference']} of the AUROC by patient or {MOST['difference_specificity']} of specificity"
    if not rows:
        return f"No alteration that must keep the answer costs more than {limits}."
    texts = (
        f"{row['name']} ({_brief(row['difference'])}; specificity {_brief(row['difference_specificity'])})"
        for row in sorted(rows, key=lambda row: row["difference"]["value"])
    )
    return f"These must keep the answer and cost more than {limits}: {', '.join(texts)}."


def _over_chance(row: Mapping[str, Any]) -> str:
    """Return the AUROC by patient less 0.5, with its interval."""
    score = row["scores"]["auroc_by_patient"]
    return _brief({end: None if value is None else value - 0.5 for end, value in score.items()}, "")


def _brief(score: Mapping[str, float | None], sign: str = "+") -> str:
    return format_score(score, sign).removesuffix(f" {NO_INTERVAL}")


def table(stress: Mapping[str, Any]) -> list[list[str]]:
    """Return the titles, then a row per alteration, the unaltered cells first."""
    rows = [list(COLUMNS)]
    for row in ({"name": "unaltered", **stress["base"]}, *stress["rows"]):
        keys = ("difference", "difference_sensitivity", "difference_specificity", "difference_auroc")
        differences = [format_score(row[key], "+") if key in row else "" for key in keys]
        unlike = f"{row['unlike_training']:.0%}"
        rows.append([row["name"], format_score(row["scores"]["auroc_by_patient"]), *differences[:3], unlike])
        rows[-1] += [format_score(row["scores"]["auroc"]), differences[3]]
    return rows


def table_text(stress: Mapping[str, Any]) -> str:
    """Return the table, the alterations in two groups, with the verdict below it, for the terminal."""
    titles, base, *rows = table(stress)
    kinds = [row["kind"] for row in stress["rows"]]
    groups = {"must keep the answer": KEEPS, "remove what may carry it": REMOVES}
    lines = [_line(titles), _line(base)]
    for title, kind in groups.items():
        lines += ["", title, *(_line(row) for row, of_kind in zip(rows, kinds) if of_kind == kind)]
    return "\n".join([*lines, "", *footnote("".join(lines)), *verdict(stress)])


def _line(texts: Sequence[str]) -> str:
    widths = (34, 24, 25, 25, 25, 15)
    return "".join(f"{text:<{width}}" for text, width in zip(texts, widths)).rstrip()
