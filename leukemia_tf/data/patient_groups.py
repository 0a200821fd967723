"""Patient groups: all the names under which the cells of one person are filed. Splits and folds keep them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.patient_names import patient_name

NearDuplicate = tuple[Cell, Cell, float]  # one cell photographed twice, and the correlation of the two pictures


class OfPatient(Protocol):
    """A cell, a prediction, or anything else that has a patient."""

    @property
    def patient(self) -> str:
        """The patient's name."""


def find_patient_groups(
    cells: Iterable[Cell], near_duplicates: Iterable[NearDuplicate] = (), known: Iterable[Sequence[str]] = ()
) -> dict[str, frozenset[str]]:
    """Map each patient to its group: the patients who share a picture with it, directly or through others.

    Parameters
    ----------
    cells : iterable of Cell
        With their pixels' hashes: identical pixels are a shared picture.
    near_duplicates : iterable of (Cell, Cell, float)
        Pairs that show one cell photographed twice: shared too.
    known : iterable of sequence of str
        Names that are known to be one patient, such as `known_doubles`.

    Raises
    ------
    DataError
        If one picture carries both labels.
    """
    cells = tuple(cells)
    group_of = {cell.patient: {cell.patient} for cell in cells}
    first: dict[str, Cell] = {}
    shared = [(first.setdefault(cell.sha256, cell), cell) for cell in cells]
    for one, other in shared:
        if one.label != other.label:
            raise DataError(
                f"{one.path} and {other.path} are the same picture, once labelled {one.label} and once {other.label}: "
                "remove the wrong one."
            )
    pairs = [(one.patient, other.patient) for one, other in (*shared, *(pair[:2] for pair in near_duplicates))]
    for names in known:
        present = [name for name in names if name in group_of]
        pairs += [(present[0], name) for name in present[1:]]
    for one_name, other_name in pairs:
        if group_of[one_name] is not group_of[other_name]:
            union = group_of[one_name] | group_of[other_name]
            group_of |= dict.fromkeys(union, union)
    return {patient: frozenset(group) for patient, group in group_of.items()}


def list_patient_groups(
    cells: Iterable[Cell], near_duplicates: Iterable[NearDuplicate], known: Iterable[Sequence[str]] = ()
) -> tuple[tuple[str, ...], ...]:
    """Return the groups of two or more patients; near-duplicates with different labels join nobody.

    Raises
    ------
    DataError
        If one picture carries both labels.
    """
    pairs = [pair for pair in near_duplicates if pair[0].label == pair[1].label]
    group_of = find_patient_groups(cells, pairs, known)
    return tuple(sorted({tuple(sorted(group, key=natural_key)) for group in group_of.values() if len(group) > 1}))


def groups_by_patient(groups: Iterable[Iterable[str]]) -> dict[str, frozenset[str]]:
    """Map each patient of some groups to its group; config.json lists them under `same_patients`."""
    named = (frozenset(map(patient_name, group)) for group in groups)
    return {patient: group for group in named for patient in group}


def names_of_patients(cells: Iterable[OfPatient], groups: Iterable[Iterable[str]]) -> set[str]:
    """Return all names of the patients of some cells; `groups`: the names that are one patient."""
    group_of = groups_by_patient(groups)
    return {name for cell in cells for name in group_of.get(cell.patient, {cell.patient})}


def patient_group_names(cells: Iterable[OfPatient], group_of: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Return the name of each cell's patient group, such as `20+21`: str [n]; a patient without a group is one."""
    return np.array([group_name(cell.patient, group_of) for cell in cells])


def group_name(patient: str, group_of: Mapping[str, frozenset[str]]) -> str:
    """Return the name of a patient's group, such as `20+21`; a patient without a group is one."""
    return "+".join(sorted(group_of.get(patient, {patient})))


def natural_key(patient: str) -> tuple[str, int, str]:
    """Return a sort key by which `H9` comes before `H10`."""
    digits = "".join(filter(str.isdigit, patient))
    return patient.rstrip("0123456789"), int(digits or 0), patient
