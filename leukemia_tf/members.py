"""Finished runs side by side: their answers on the cells that all of them were judged on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import read_cells
from leukemia_tf.errors import RunError
from leukemia_tf.evaluation.predictions import Prediction, by_person, read_judged
from leukemia_tf.files import read_csv, read_json
from leukemia_tf.run import RunFolder, open_run


@dataclass(frozen=True)
class Member:
    """A run and what it said.

    Parameters
    ----------
    name : str
        Its folder's, made different where two are alike.
    run : RunFolder
        Finished.
    rows : list of Prediction
        Sorted by path; the patients are people, as from `by_person`.
    """

    name: str
    run: RunFolder
    rows: list[Prediction]

    @cached_property
    def metrics(self) -> dict:
        """The content of metrics.json."""
        return read_json(self.run.metrics)

    @property
    def threshold(self) -> float:
        """The probability from which it says `all`."""
        return self.metrics["decision"]["threshold"]

    @property
    def probabilities(self) -> np.ndarray:
        """What it said: float [n]."""
        return np.array([row.probability for row in self.rows])


def read_members(paths: Sequence[Path], part: str = "test") -> list[Member]:
    """Read what finished runs said of a part.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Run folders.
    part : str
        `test` or `val`.

    Returns
    -------
    list of Member
        In their order; their rows are of the same cells.

    Raises
    ------
    RunError
        If one is not finished, or they were not judged on the same cells.
    """
    members = [Member(name, run, _rows(run, part)) for name, run in zip(distinct_names(paths), map(open_run, paths))]
    _check_same_cells(members)
    return members


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return the folders' names, made different where two are alike."""
    names: list[str] = []
    for path in paths:
        name = path.resolve().name
        while name in names:
            name += "'"
        names.append(name)
    return names


def training_seconds(run: RunFolder) -> float:
    """Return how long a run was trained; an ensemble's members together."""
    return run.read_config().get("seconds") or sum(float(row["seconds"]) for row in read_csv(run.history))


def _rows(run: RunFolder, part: str) -> list[Prediction]:
    if not run.metrics.is_file() or not run.predictions(part).is_file():
        raise RunError(f"{run} has no predictions on {part} patients: finish it with --resume, or evaluate it.")
    patients = {cell.patient for cell in read_cells(run.cells)}
    rows = sorted(read_judged(run.predictions(part), patients), key=lambda row: row.path)
    return by_person(rows, run.read_config()["data"].get("same_patients", ()))


def _check_same_cells(members: Sequence[Member]) -> None:
    first, *others = members
    here = _judged(first)
    for other in others:
        there = _judged(other)
        if here != there:
            example = min((here - there) + (there - here))[0]
            raise RunError(
                f"{first.name} and {other.name} were not judged on the same cells: {(here - there).total():,} stand in "
                f"the first alone and {(there - here).total():,} in the second, such as {example}. Train both with one "
                "--split."
            )


def _judged(member: Member) -> Counter:
    pictures = {cell.path: cell.sha256 for cell in read_cells(member.run.cells)}
    return Counter((row.path, row.label, row.patient, pictures.get(row.path)) for row in member.rows)
