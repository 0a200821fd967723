"""Folds of a cross-validation: of whole patients, or by image, which leaks."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import read_csv, write_csv
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.patient_groups import natural_key, patient_group_names
from leukemia_tf.data.patient_names import patient_name
from leukemia_tf.data.split_protocols import hold_out
from leukemia_tf.data.splits import Split

log = logging.getLogger(__name__)

FOLDS = 5
TRIES = 100  # draws until every fold has both classes
COLUMNS = ("path", "label", "patient", "sha256")  # of folds.csv, before a column per seed
Folds = list[tuple[np.ndarray, np.ndarray]]


def draw_folds(
    cells: Sequence[Cell], group_of: Mapping[str, frozenset[str]], by: str, seed: int, count: int = FOLDS
) -> Folds:
    """Draw stratified folds, each with both classes among its test cells.

    Parameters
    ----------
    cells : sequence of Cell
        Labelled, [n].
    group_of : mapping
        The group of each patient, as from `find_patient_groups`, which counts as one.
    by : str
        `patient` (folds of whole patient groups), or `image` (which leaks).
    seed, count : int
        Of the folds; 2 or more of them.

    Returns
    -------
    list of tuple
        Indices of the training and of the test cells of each fold.

    Raises
    ------
    DataError
        If a class has fewer patients (or images) than there are folds.
    """
    labels = np.array([LABELS.index(cell.label) for cell in cells])
    units = patient_group_names(cells, group_of) if by == "patient" else np.arange(len(cells))
    for index, label in enumerate(LABELS):
        distinct = len(set(units[labels == index]))
        if distinct < count:
            raise DataError(f"{count} folds need {count} {by}s of each class: `{label}` has {distinct} distinct.")
    kind = StratifiedGroupKFold if by == "patient" else StratifiedKFold
    for attempt in range(TRIES):
        splitter = kind(count, shuffle=True, random_state=seed + 1000 * attempt)
        folds = list(splitter.split(labels, labels, units if by == "patient" else None))
        if all(len(set(labels[test])) == len(LABELS) for _, test in folds):
            return folds
    raise DataError(f"no draw of {count} folds gives each of them patients of both classes: ask for fewer.")


def with_inner_folds(
    cells: Sequence[Cell], split: Split, group_of: Mapping[str, frozenset[str]], count: int
) -> tuple[tuple[Cell, ...], Split]:
    """Let validation patients train, and draw folds of all training patients in their place.

    Parameters
    ----------
    cells : sequence of Cell
        Split.
    split : Split
        Its own folds are taken, if it has any; its seed draws them.
    group_of : mapping
        As for `draw_folds`.
    count : int
        Of the folds; fewer where a class has fewer patients, which is logged.

    Raises
    ------
    DataError
        If a class has only one patient for training.
    """
    cells = tuple(replace(cell, split="train") if cell.split == "val" else cell for cell in cells)
    train = [cell for cell in cells if cell.split == "train"]
    folds = split.folds or tuple(
        _patients(train[index] for index in test)
        for _, test in draw_folds(train, group_of, "patient", split.seed, _most_folds(train, group_of, count))
    )
    return cells, replace(split, train=_patients(train), val=(), folds=folds)


def _most_folds(cells: Sequence[Cell], group_of: Mapping[str, frozenset[str]], count: int) -> int:
    names = patient_group_names(cells, group_of)
    fewest = min(len({name for name, cell in zip(names, cells) if cell.label == label}) for label in LABELS)
    if fewest < 2:
        raise DataError(f"inner folds need two training patients of each class: one class has {fewest}.")
    if fewest < count:
        log.warning("WARNING: %d inner folds instead of %d: a class has %d training patients", fewest, count, fewest)
    return min(fewest, count)


@dataclass(frozen=True)
class SemiSupervisedFold:
    """A fold for validation; the rest is labelled or masked.

    Parameters
    ----------
    split : Split
        Labelled, validation and test patients.
    masked : frozenset of str
        Patients whose labels are not used.
    """

    split: Split
    masked: frozenset[str]


def draw_semi_supervised_folds(
    cells: Sequence[Cell], split: Split, group_of: Mapping[str, frozenset[str]], count: int, share: float, seed: int
) -> list[SemiSupervisedFold]:
    """Draw folds of the training and validation patients: each validates once, and a share of the others is masked.

    Parameters
    ----------
    cells : sequence of Cell
        Split.
    split : Split
        Its test patients stay as they are.
    group_of, count, seed
        As for `draw_folds`.
    share : float
        Of the others that is masked, 0-1.
    """
    known = [cell for cell in cells if cell.split in ("train", "val")]
    drawn = []
    for train, val in draw_folds(known, group_of, "patient", seed, count):
        others = [known[index] for index in train]
        labelled, masked = hold_out(others, seed, group_of, share) if share else (_patients(others), ())
        fold = replace(split, train=tuple(sorted(labelled, key=natural_key)), val=_patients(known[i] for i in val))
        drawn.append(SemiSupervisedFold(fold, frozenset(masked)))
    return drawn


def _patients(cells: Iterable[Cell]) -> tuple[str, ...]:
    return tuple(sorted({cell.patient for cell in cells}, key=natural_key))


@dataclass(frozen=True)
class FoldTable:
    """The fold in which each cell is tested; folds.csv.

    Parameters
    ----------
    cells : tuple of Cell
        [n].
    by_seed : dict
        For each seed the fold of each cell, int [n]; None for a cell whose patient is set aside.
    """

    cells: tuple[Cell, ...]
    by_seed: dict[int, list[int | None]]


def write_folds(path: Path, table: FoldTable) -> Path:
    """Write folds.csv."""
    rows = []
    for index, cell in enumerate(table.cells):
        row: dict[str, Any] = {name: getattr(cell, name) for name in COLUMNS}
        row |= {f"seed-{seed}": "aside" if by[index] is None else by[index] for seed, by in table.by_seed.items()}
        rows.append(row)
    return write_csv(path, [*COLUMNS, *(f"seed-{seed}" for seed in table.by_seed)], rows)


def read_folds(path: Path) -> FoldTable:
    """Read folds.csv."""
    rows = read_csv(path)
    seeds = {int(name.removeprefix("seed-")): name for name in rows[0] if name.startswith("seed-")}
    by_seed = {seed: [None if row[name] == "aside" else int(row[name]) for row in rows] for seed, name in seeds.items()}
    cells = (Cell(row["path"], row["label"], patient_name(row["patient"]), row["sha256"]) for row in rows)
    return FoldTable(tuple(cells), by_seed)
