"""How well the acquisition of the pictures alone tells the classes apart, by patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.acquisition import AREA, CUES
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.folds import FOLDS, draw_folds
from leukemia_tf.data.patient_groups import natural_key
from leukemia_tf.evaluation.intervals import Interval, score_with_intervals
from leukemia_tf.evaluation.linear_probe import out_of_fold
from leukemia_tf.evaluation.permutation import permutation_p
from leukemia_tf.evaluation.predictions import by_patient_group

DRAWS = 5  # of the folds, whose probabilities are averaged: the score then depends less on one draw
CHANCE, SIGNIFICANT = 0.5, 0.05
METRIC = "auroc_by_patient"


@dataclass(frozen=True)
class AcquisitionTable:
    """What was measured of labelled cells.

    Parameters
    ----------
    cells : tuple of Cell
        With patient groups in place of patients.
    values : dict
        float [n] by the name of each cue and of the area; NaN where it could not be measured.
    """

    cells: tuple[Cell, ...]
    values: dict[str, np.ndarray]

    @property
    def labels(self) -> np.ndarray:
        """The label of each cell: int [n], 1 for `all`."""
        return np.array([LABELS.index(cell.label) for cell in self.cells], int)

    @property
    def patients(self) -> np.ndarray:
        """The patient group of each cell: str [n]."""
        return np.array([cell.patient for cell in self.cells], str)


def acquisition_table(
    cells: Sequence[Cell], measured: Sequence[Mapping[str, float]], same: Sequence[Sequence[str]] = ()
) -> AcquisitionTable:
    """Put cells and what `measure_acquisition` measured of them side by side; those without a label are left out.

    Parameters
    ----------
    cells, measured : sequence
        One each per image.
    same : sequence of sequence of str
        Names of one person.
    """
    pairs = [(cell, row) for cell, row in zip(cells, measured, strict=True) if cell.label]
    grouped = by_patient_group([cell for cell, _ in pairs], same)
    values = {name: np.array([row[name] for _, row in pairs], float) for name in (*CUES, AREA)}
    return AcquisitionTable(tuple(grouped), values)


def patient_rows(table: AcquisitionTable) -> list[dict[str, Any]]:
    """Return a record a patient: `patient`, `label`, `cells`, and the mean of every cue over its cells."""
    label_of = {cell.patient: cell.label for cell in table.cells}
    counts = Counter(cell.patient for cell in table.cells)
    return [
        {
            "patient": patient,
            "label": label_of[patient],
            "cells": counts[patient],
            **{name: _mean(values[table.patients == patient]) for name, values in table.values.items()},
        }
        for patient in sorted(counts, key=lambda name: (label_of[name], natural_key(name)))
    ]


def compare_acquisition(table: AcquisitionTable, seed: int = 0) -> dict[str, Any]:
    """Score each cue alone, all of them together, and the cell's area beside them.

    Parameters
    ----------
    table : AcquisitionTable
        Of n cells.
    seed : int
        Of the folds and of the permutations.

    Returns
    -------
    dict
        `cells`; `patients` by label; `cues` and `area`, whose records hold `all` and `hem` (means over patients) and
        `auroc_by_patient` of the value as it is, below 0.5 where `all` has the lower one, None where it is the same in
        all cells; `together` (the cues that are in the pixels), `together_with_file` (and the kind of file) and
        `together_with_area`, the out-of-fold score of a logistic regression, None with fewer than two patients of a
        class; `separable`, whether one of the first two is better than chance.
    """
    rows = patient_rows(table)
    counts = Counter(row["label"] for row in rows)
    records = {name: _record(name, table, rows) for name in table.values}
    pixels = tuple(name for name, cue in CUES.items() if cue.in_pixels)
    sets = {"together": pixels, "together_with_file": tuple(CUES), "together_with_area": (*pixels, AREA)}
    together = {key: _together(table, names, counts, seed) for key, names in sets.items()}
    alone = [together[key] for key in ("together", "together_with_file")]
    return {
        "cells": len(table.cells),
        "patients": {label: counts[label] for label in LABELS},
        "cues": {name: records[name] for name in CUES},
        "area": records[AREA],
        **together,
        "separable": any(score is not None and _better_than_chance(score) for score in alone),
    }


def _record(name: str, table: AcquisitionTable, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    values = table.values[name]
    means = {label: _mean(np.array([row[name] for row in rows if row["label"] == label], float)) for label in LABELS}
    known = np.isfinite(values)
    labels = table.labels[known]
    score: Interval | None = None
    if len(set(labels.tolist())) == len(LABELS) and np.ptp(values[known]) > 0:
        ranks = np.unique(values[known], return_inverse=True)[1]
        score = score_with_intervals(labels, ranks / ranks.max(), table.patients[known])[METRIC]
    return {**means, METRIC: score}


def _together(
    table: AcquisitionTable, names: Sequence[str], counts: Mapping[str, int], seed: int
) -> dict[str, Any] | None:
    features = _features(table, names)
    folds = [_draw(table.cells, min(FOLDS, *(counts[label] for label in LABELS)), seed + draw) for draw in range(DRAWS)]
    if not features.shape[1] or not all(folds):
        return None
    drawn = [out_of_fold(features, table.labels, table.patients, fold, weighted_scale=True) for fold in folds]
    probabilities = np.mean(drawn, axis=0)
    score = score_with_intervals(table.labels, probabilities, table.patients)[METRIC]
    p = permutation_p(table.labels, probabilities, table.patients, seed)
    return {METRIC: score, "permutation_p": p, "folds": len(folds[0]), "draws": DRAWS}


def _draw(cells: Sequence[Cell], most: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw as many folds of patients as can be, 2 or more; none if that cannot be."""
    for count in range(most, 1, -1):
        try:
            return draw_folds(cells, {}, "patient", seed, count)
        except DataError:
            continue
    return []


def _features(table: AcquisitionTable, names: Iterable[str]) -> np.ndarray:
    """Return what differs between cells, float [n, k]; a value that could not be measured becomes the mean."""
    columns = [table.values[name] for name in names]
    known = [(values, values[np.isfinite(values)]) for values in columns]
    filled = [
        np.where(np.isfinite(values), values, some.mean()) for values, some in known if len(some) and np.ptp(some)
    ]
    return np.stack(filled, axis=1) if filled else np.zeros((len(table.cells), 0))


def _better_than_chance(together: Mapping[str, Any]) -> bool:
    return together[METRIC]["low"] > CHANCE or together["permutation_p"] < SIGNIFICANT


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
