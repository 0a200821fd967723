"""What was predicted for each patient, the patients with most cells first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays
from leukemia_tf.evaluation.weighted_cells import WeightedCells

TITLES = ("patient group", "label", "cells", "mean probability", f"predicted {LABEL_NAMES['all']}", "AUROC")
LARGE = 0.25  # of the cells of a class: such a patient decides the score over cells


def patient_table(predictions: Sequence[Prediction], threshold: float | np.ndarray = 0.5) -> list[dict[str, Any]]:
    """Return a record per patient group, by falling number of cells.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`.
    threshold : float or numpy.ndarray
        A cell is predicted `all` at this probability or more; one for all, or float [n].

    Returns
    -------
    list of dict
        `patient` (the group, such as `20+21`), `label`, `cells`, `share` (of the cells of its class), `probability`
        (the mean), `called_all` (share of its cells), `auroc` (its cells against all cells of the other class; None
        without one).
    """
    labels, probabilities, patients = arrays(predictions)
    names, first, patient = np.unique(patients, return_index=True, return_inverse=True)
    cells = np.bincount(patient)
    means = np.bincount(patient, probabilities) / cells
    called = np.bincount(patient, probabilities >= threshold) / cells
    areas = auroc_of_patients(labels, probabilities, patients)
    rows = [
        {
            "patient": str(names[index]),
            "label": LABELS[labels[first[index]]],
            "cells": int(cells[index]),
            "share": float(cells[index] / (labels == labels[first[index]]).sum()),
            "probability": float(means[index]),
            "called_all": float(called[index]),
            "auroc": float(areas[index]) if np.isfinite(areas[index]) else None,
        }
        for index in range(len(names))
    ]
    return sorted(rows, key=lambda row: -row["cells"])


def auroc_of_patients(labels: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Return the AUROC of each patient's cells against all cells of the other class.

    Parameters
    ----------
    labels, scores, patients : numpy.ndarray
        int [n], float [n], str [n].

    Returns
    -------
    numpy.ndarray
        float [p], in the order of `numpy.unique`; NaN without the other class.
    """
    cells = WeightedCells(labels, scores, patients)
    positives, negatives = cells.class_counts
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(
            positives > 0,
            cells.wins.sum(1) / (positives * negatives.sum()),
            cells.wins.sum(0) / (negatives * positives.sum()),
        )


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return titles and a line per patient, from `patient_table`."""
    width = max(15, *(len(row["patient"]) + 2 for row in rows))
    lines = [f"{TITLES[0]:<{width}}{TITLES[1]:<18}{TITLES[2]:>6}" + "".join(f"{title:>26}" for title in TITLES[3:])]
    for row in rows:
        area = "undefined" if row["auroc"] is None else f"{row['auroc']:.3f}"
        numbers = (f"{row['probability']:.3f}", f"{row['called_all']:.0%}", area)
        texts = "".join(f"{text:>26}" for text in numbers)
        lines.append(f"{row['patient']:<{width}}{LABEL_NAMES[row['label']]:<18}{row['cells']:>6,}{texts}")
    return lines
