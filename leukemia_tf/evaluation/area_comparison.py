"""A network against the area of the cell alone, on the same cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leukemia_tf.evaluation.intervals import paired_difference, score_with_intervals
from leukemia_tf.evaluation.patient_table import LARGE, auroc_of_patients, patient_table
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays
from leukemia_tf.evaluation.scores import format_score, title_over_cells

METRICS = ("auroc_by_patient", "auroc")


def compare_with_area(predictions: Sequence[Prediction], areas: np.ndarray) -> dict[str, Any]:
    """Score the area of the cell as if the larger were the more leukemic.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`.
    areas : numpy.ndarray
        float [n], in pixels.

    Returns
    -------
    dict
        `area` and `network_minus_area`, each `{metric: {"value", "low", "high"}}` of the AUROCs; `large_patients`:
        those with more than a quarter of the cells of their class, with `network` and `area`, the AUROC of their cells
        against all cells of the other class.
    """
    labels, probabilities, patients = arrays(predictions)
    ranks = areas / (areas.max() + 1)
    scores = score_with_intervals(labels, ranks, patients)
    differences = paired_difference(labels, probabilities, ranks, patients)
    by_area = dict(zip(np.unique(patients).tolist(), auroc_of_patients(labels, ranks, patients).tolist()))
    large = [row for row in patient_table(predictions) if row["share"] > LARGE and row["auroc"] is not None]
    return {
        "area": {metric: scores[metric] for metric in METRICS},
        "network_minus_area": {metric: differences[metric] for metric in METRICS},
        "large_patients": [
            {
                **{key: row[key] for key in ("patient", "label", "cells", "share")},
                "network": row["auroc"],
                "area": by_area[row["patient"]],
            }
            for row in large
        ],
    }


def comparison_lines(comparison: dict[str, Any]) -> list[str]:
    """Return the comparison as lines of text."""
    area, difference = comparison["area"], comparison["network_minus_area"]
    lines = []
    for metric in METRICS:
        alone, more = format_score(area[metric]), format_score(difference[metric], "+")
        lines.append(f"{title_over_cells(metric)}: cell area alone {alone}, network minus that {more}")
    for row in comparison["large_patients"]:
        held = f"patient {row['patient']} has {row['share']:.0%} of the {LABEL_NAMES[row['label']]} cells"
        lines.append(f"{held}: their AUROC is {row['network']:.3f}, by cell area {row['area']:.3f}")
    return lines
