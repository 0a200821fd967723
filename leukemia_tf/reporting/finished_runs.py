"""Finished runs side by side: their predictions on the cells that all of them were evaluated on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.core.errors import RunError
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.evaluation.predictions import REWRITE, Prediction, by_patient_group, read_labelled_predictions
from leukemia_tf.runs.open_runs import network_file, open_run
from leukemia_tf.runs.run_folder import RunFolder

SPLIT_OF = {"test": ("test",), "val": ("val", "train")}  # with inner folds, training cells are predicted out of fold


@dataclass(frozen=True)
class FinishedRun:
    """A run with its predictions on one part.

    Parameters
    ----------
    name : str
        Of its folder, made unique.
    run : RunFolder
        Finished.
    predictions : list of Prediction
        Sorted by path, as from `by_patient_group`.
    """

    name: str
    run: RunFolder
    predictions: list[Prediction]

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json."""
        return self.run.read_metrics()

    @property
    def threshold(self) -> float:
        """The probability at or above which it predicts `all`."""
        return self.metrics["decision"]["threshold"]

    @property
    def probabilities(self) -> np.ndarray:
        """Of `all`: float [n]."""
        return np.array([row.probability for row in self.predictions])


def read_finished_runs(paths: Sequence[Path], part: str = "test") -> list[FinishedRun]:
    """Read the predictions of finished runs on a part.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Run folders.
    part : str
        `test` or `val`.

    Returns
    -------
    list of FinishedRun
        In the same order; their predictions are for the same cells.

    Raises
    ------
    RunError
        If one is not finished, or they were not evaluated on the same cells.
    """
    runs = [
        FinishedRun(name, run, _read_predictions(run, part))
        for name, run in zip(distinct_names(paths), map(open_run, paths))
    ]
    _check_same_cells(runs)
    return runs


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return the folders' names, made unique."""
    names: list[str] = []
    for path in paths:
        name = path.resolve().name
        while name in names:
            name += "'"
        names.append(name)
    return names


def named_networks(paths: Sequence[Path]) -> dict[str, Path]:
    """Return the files of networks, named as runs or by themselves, by distinct names; of none the newest run's."""
    files = [network_file(path) for path in paths or (None,)]
    return dict(zip(distinct_names(paths or [files[0].parent]), files))


def training_seconds(run: RunFolder) -> float:
    """Return a run's training time; of an ensemble, the sum over its members."""
    return run.read_config().get("seconds") or sum(float(row["seconds"]) for row in run.read_history())


def _read_predictions(run: RunFolder, part: str) -> list[Prediction]:
    if not run.metrics.is_file() or not run.predictions(part).is_file():
        raise RunError(f"{run} has no predictions on {part} patients: finish it with `resume=True`, or evaluate it.")
    run.check_files(run.environment, run.cells, run.history)
    cells = {cell.path: cell for cell in read_cells(run.cells)}
    patients = {cell.patient for cell in cells.values()}
    rows = sorted(read_labelled_predictions(run.predictions(part), patients), key=lambda row: row.path)
    for row in rows:
        cell = cells.get(row.path)
        if cell is None or (cell.patient, cell.label) != (row.patient, row.label) or cell.split not in SPLIT_OF[part]:
            raise RunError(f"{run.predictions(part)}: {row.path} is no {part} cell of this run. {REWRITE}")
    run.check_files(run.predictions(part))
    return by_patient_group(rows, run.read_config()["data"].get("same_patients", ()))


def _check_same_cells(runs: Sequence[FinishedRun]) -> None:
    first, *others = runs
    cells = _evaluated_cells(first)
    for other in others:
        other_cells = _evaluated_cells(other)
        if cells != other_cells:
            only_first, only_second = cells - other_cells, other_cells - cells
            example = min(only_first + only_second)[0]
            raise RunError(
                f"{first.name} and {other.name} were not evaluated on the same cells: {only_first.total():,} are only "
                f"in the first and {only_second.total():,} only in the second, such as {example}. Train both with one "
                "`split`."
            )


def _evaluated_cells(finished: FinishedRun) -> Counter:
    hashes = {cell.path: cell.sha256 for cell in read_cells(finished.run.cells)}
    return Counter((row.path, row.label, row.patient, hashes.get(row.path)) for row in finished.predictions)
