"""Size, outline and share of black of the misclassified cells against those that are classified correctly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.core.console import progress_bar
from leukemia_tf.data.catalog import LABELS
from leukemia_tf.data.integrity import read_image
from leukemia_tf.evaluation.intervals import mean_over_patients
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays
from leukemia_tf.reporting.cell_shape import SHAPES, cell_shape

BOTH = "both"  # classes
CLASS_NAMES = {BOTH: "both classes", **LABEL_NAMES}


def folder_with(data: Mapping[str, Any], predictions: Sequence[Prediction]) -> Path | None:
    """Return the folder of a study's cells if all of them are still there; `data`: as in study.json."""
    folder = Path(data.get("folder", ""))
    return folder if all((folder / row.path).is_file() for row in predictions) else None


def measure_cells(predictions: Sequence[Prediction], folder: Path) -> dict[str, np.ndarray]:
    """Measure cells.

    Parameters
    ----------
    predictions : sequence of Prediction
        Of the cells.
    folder : pathlib.Path
        Where they lie.

    Returns
    -------
    dict of str to numpy.ndarray
        By the keys of `SHAPES`: float [n].
    """
    paths = [folder / row.path for row in predictions]
    with ThreadPoolExecutor(cpu_count()) as pool:
        shapes = pool.map(lambda path: cell_shape(read_image(path)[1]), paths)
        measured = list(progress_bar(shapes, total=len(paths), title="measuring cells", unit="cell"))
    return {name: np.array([shape[name] for shape in measured]) for name in SHAPES}


def compare_wrong_predictions(
    columns: Mapping[str, np.ndarray], predictions: Sequence[Prediction], wrong: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """Compare the misclassified cells with the others, as `compare_wrong_cells`.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        As from `measure_cells`.
    predictions : sequence of Prediction
        As from `by_patient_group`.
    wrong : numpy.ndarray, optional
        bool [n]: which of them are misclassified; by default as their predictions say.
    """
    labels, _, patients = arrays(predictions)
    if wrong is None:
        wrong = np.array([row.prediction != row.label for row in predictions])
    return compare_wrong_cells(columns, labels, patients, wrong)


def compare_wrong_cells(
    columns: Mapping[str, np.ndarray], labels: np.ndarray, patients: np.ndarray, wrong: np.ndarray
) -> list[dict[str, Any]]:
    """Compare misclassified cells with the correctly classified ones of the same patients.

    A patient without wrong cells, or without right ones, says nothing of the difference and is left out; every other
    patient has the same weight.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray
        A measure of each cell by its key of `SHAPES`: float [n].
    labels, patients, wrong : numpy.ndarray
        int [n], str [n], bool [n].

    Returns
    -------
    list of dict
        A row per class (`both`, `all`, `hem`) and measure: `class`, `measure`, `wrong_cells`, `right_cells` (counts of
        all cells), `patients` (who have both), `wrong`, `right` (means over these patients) and `difference`, wrong
        minus right: `{"value", "low", "high"}` with its 95 % interval over patients, from five of them.
    """
    classes = {BOTH: np.ones(len(labels), bool), **{name: labels == LABELS.index(name) for name in LABEL_NAMES}}
    return [
        {
            "class": name,
            "measure": measure,
            "wrong_cells": int((wrong & inside).sum()),
            "right_cells": int((~wrong & inside).sum()),
            **_difference(values[inside], patients[inside], wrong[inside]),
        }
        for name, inside in classes.items()
        for measure, values in columns.items()
    ]


def _difference(values: np.ndarray, patients: np.ndarray, wrong: np.ndarray) -> dict[str, Any]:
    pairs = list(_pairs(values, patients, wrong))
    if not pairs:
        nothing = dict.fromkeys(("value", "low", "high"), np.nan)
        return {"patients": 0, "wrong": np.nan, "right": np.nan, "difference": nothing}
    names, means = (np.array(column) for column in zip(*pairs))
    difference = mean_over_patients(means[:, 0] - means[:, 1], np.zeros(len(pairs), int), names)
    return {"patients": len(pairs), "wrong": means[:, 0].mean(), "right": means[:, 1].mean(), "difference": difference}


def _pairs(values: np.ndarray, patients: np.ndarray, wrong: np.ndarray) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield each patient who has both, with the means of the wrong and of the right cells."""
    known = np.isfinite(values)
    for patient in np.unique(patients):
        cells = known & (patients == patient)
        if (cells & wrong).any() and (cells & ~wrong).any():
            yield str(patient), (values[cells & wrong].mean(), values[cells & ~wrong].mean())
