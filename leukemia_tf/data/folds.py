"""Folds: every cell is judged once, by whole patients, or by image as one must not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.protocols import hold_out
from leukemia_tf.data.splits import Split, natural, people
from leukemia_tf.errors import DataError
from leukemia_tf.files import read_csv, write_csv

FOLDS = 5
TRIES = 100  # draws until every fold judges both classes
Folds = list[tuple[np.ndarray, np.ndarray]]


def draw_folds(
    cells: Sequence[Cell], alias: Mapping[str, frozenset[str]], by: str, seed: int, count: int = FOLDS
) -> Folds:
    """Draw stratified folds, of which each judges both classes.

    Parameters
    ----------
    cells : sequence of Cell
        Labelled, [n].
    alias : mapping
        For each patient all who are the same, as from `merge_aliases`: they count as one.
    by : str
        What a fold holds: whole `patient`s, or single `image`s (which leaks).
    seed, count : int
        Of the folds; 2 or more of them.

    Returns
    -------
    list of tuple
        Indices of the cells to fit on and of those to judge, for each fold.

    Raises
    ------
    DataError
        If a class has fewer patients (or images) than there are folds.
    """
    labels, who = np.array([LABELS.index(cell.label) for cell in cells]), people(cells, alias)
    units = who if by == "patient" else np.arange(len(cells))
    for index, label in enumerate(LABELS):
        found = len(set(units[labels == index]))
        if found < count:
            raise DataError(f"{count} folds need {count} {by}s of each class: `{label}` has {found} distinct.")
    kind = StratifiedGroupKFold if by == "patient" else StratifiedKFold
    for attempt in range(TRIES):
        drawn = kind(count, shuffle=True, random_state=seed + 1000 * attempt)
        folds = list(drawn.split(labels, labels, who if by == "patient" else None))
        if all(len(set(labels[judged])) == len(LABELS) for _, judged in folds):
            return folds
    raise DataError(f"no draw of {count} folds gives each of them patients of both classes: ask for fewer.")


@dataclass(frozen=True)
class Halves:
    """A fold that validates, the rest being labelled or masked.

    Parameters
    ----------
    split : Split
        Labelled, validation and test patients.
    masked : frozenset of str
        Patients whose labels are not looked at.
    """

    split: Split
    masked: frozenset[str]


def halve_folds(
    cells: Sequence[Cell], split: Split, alias: Mapping[str, frozenset[str]], count: int, share: float, seed: int
) -> list[Halves]:
    """Draw folds of the training and validation patients, each to validate once; mask a share of the others.

    Parameters
    ----------
    cells : sequence of Cell
        Split.
    split : Split
        Whose test patients stay what they are.
    alias, count, seed
        As for `draw_folds`.
    share : float
        Of the others that is masked, 0-1.
    """
    known = [cell for cell in cells if cell.split in ("train", "val")]
    drawn = []
    for others, judged in draw_folds(known, alias, "patient", seed, count):
        rest = [known[place] for place in others]
        everyone, val = ({known[place].patient for place in places} for places in (others, judged))
        labelled, masked = hold_out(rest, seed, alias, share) if share else (everyone, ())
        parts = {"train": tuple(sorted(labelled, key=natural)), "val": tuple(sorted(val, key=natural))}
        drawn.append(Halves(replace(split, **parts), frozenset(masked)))
    return drawn


@dataclass(frozen=True)
class FoldTable:
    """Which fold judges each cell; folds.csv.

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
    rows = (
        {
            **{"path": cell.path, "label": cell.label, "patient": cell.patient, "sha256": cell.sha256},
            **{f"seed-{seed}": "aside" if by[place] is None else by[place] for seed, by in table.by_seed.items()},
        }
        for place, cell in enumerate(table.cells)
    )
    return write_csv(path, ["path", "label", "patient", "sha256", *(f"seed-{seed}" for seed in table.by_seed)], rows)


def read_folds(path: Path) -> FoldTable:
    """Read folds.csv."""
    rows = read_csv(path)
    seeds = {int(name.removeprefix("seed-")): name for name in rows[0] if name.startswith("seed-")}
    by_seed = {seed: [None if row[name] == "aside" else int(row[name]) for row in rows] for seed, name in seeds.items()}
    return FoldTable(tuple(Cell(row["path"], row["label"], row["patient"], row["sha256"]) for row in rows), by_seed)
