"""Out-of-fold predictions of several cross-validations with the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import read_json
from leukemia_tf.data.folds import FoldTable, read_folds
from leukemia_tf.evaluation.predictions import Prediction, read_predictions
from leukemia_tf.runs.study_folder import Study


@dataclass(frozen=True)
class OutOfFold:
    """Predictions of several members for cells whose patients their networks have not seen.

    Parameters
    ----------
    predictions : list of Prediction
        Of the last member; the cells, [n].
    folds : numpy.ndarray
        The fold in which each cell was tested: int [n].
    probabilities : numpy.ndarray
        float [members, n].
    thresholds : numpy.ndarray
        Of each member's network of that fold: float [members, n].
    """

    predictions: list[Prediction]
    folds: np.ndarray
    probabilities: np.ndarray
    thresholds: np.ndarray


def read_out_of_fold(studies: Sequence[Study]) -> OutOfFold:
    """Read the out-of-fold predictions of finished cross-validations, of their first seed.

    Raises
    ------
    RunError
        If one is not finished, or has other folds than the first.
    """
    first = read_folds(studies[0].folds)
    seed = next(iter(first.by_seed))
    tested = [(cell.path, fold) for cell, fold in zip(first.cells, first.by_seed[seed]) if fold is not None]
    predictions, thresholds = [], []
    for study in studies:
        if not study.metrics.is_file():
            raise RunError(f"{study} is not finished: continue it with `out={study}`, `resume=True`.")
        _check_folds(studies[0], first, study, seed)
        by_path = {row.path: row for row in read_predictions(study.predictions(f"seed-{seed}"))}
        by_fold = _thresholds(study, seed)
        predictions.append([by_path[path] for path, _ in tested])
        thresholds.append([by_fold[fold] for _, fold in tested])
    return OutOfFold(
        predictions[-1],
        np.array([fold for _, fold in tested]),
        np.array([[row.probability for row in rows] for rows in predictions]),
        np.array(thresholds),
    )


def _thresholds(study: Study, seed: int) -> dict[int, float]:
    """Return the threshold of each fold's network."""
    return {
        row["fold"]: read_json(study.run(row["run"]).metrics)["decision"]["threshold"]
        for row in read_json(study.metrics)["runs"]
        if row["seed"] == seed
    }


def _check_folds(first: Study, table: FoldTable, other: Study, seed: int) -> None:
    """Stop at a cross-validation that did not test the same cells in the same folds."""
    here, there = _fold_of(table, seed), _fold_of(read_folds(other.folds), seed)
    if here != there:
        path, _ = min(key for key in here.keys() | there.keys() if here.get(key, -1) != there.get(key, -1))
        raise RunError(
            f"{first} and {other} were not drawn into the same folds, as {path} shows: use the same data, seed, split "
            "and number of folds for both."
        )


def _fold_of(table: FoldTable, seed: int) -> dict[tuple[str, str], int | None]:
    return {(cell.path, cell.sha256): fold for cell, fold in zip(table.cells, table.by_seed.get(seed, ()))}
