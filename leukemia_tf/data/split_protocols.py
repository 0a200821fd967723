"""The ways to draw a split: by patient, as C-NMC's challenge does, and by image, which leaks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.patient_groups import NearDuplicate, find_patient_groups, natural_key
from leukemia_tf.data.splits import PARTS, SHARES, Split

REFIT = "refit"
PREFERENCE = ("train", "test", "val")  # which part gets the larger patient where two miss as many images


def split_by_patient(
    cells: Sequence[Cell],
    seed: int,
    near_duplicates: Sequence[NearDuplicate] = (),
    known: Sequence[Sequence[str]] = (),
) -> Split:
    """Split 60/20/20 by patient, stratified by class, with image counts as even as the patients allow.

    The largest patients are placed first (in an order jittered by the seed), each into the part that misses
    most images of its class and still has room for a patient. Patients who share a picture count as one.

    Parameters
    ----------
    cells : sequence of Cell
        Labelled cells with their pixels' hashes.
    seed : int
        Seed of the order.
    near_duplicates : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.
    known : sequence of sequence of str
        Names that are known to be one patient.

    Raises
    ------
    DataError
        If a class has fewer than three patients.
    """
    parts = _by_patient(cells, seed, SHARES, find_patient_groups(cells, near_duplicates, known))
    return Split("patient", seed, parts["train"], parts["val"], parts["test"])


def split_official(
    cells: Sequence[Cell],
    preliminary: Collection[str],
    seed: int,
    near_duplicates: Sequence[NearDuplicate] = (),
    known: Sequence[Sequence[str]] = (),
) -> Split:
    """Split as C-NMC's challenge: test on the preliminary set, validate on a fifth of the folds' patients.

    Parameters
    ----------
    cells, seed, near_duplicates, known
        As for `split_by_patient`.
    preliminary : collection of str
        Paths of the cells of the preliminary set.

    Raises
    ------
    DataError
        If there is no preliminary set, or the folds have fewer than two patients of a class besides its patients.
    """
    group_of = find_patient_groups(cells, near_duplicates, known)
    tested = {cell.patient for cell in cells if cell.path in preliminary}
    if not tested:
        raise DataError("`split=official` needs C-NMC's preliminary test set, with its labels CSV: there is none here.")
    folds = [cell for cell in cells if not group_of[cell.patient] & tested]
    return Split("official", seed, *hold_out(folds, seed, group_of), tuple(sorted(tested, key=natural_key)))


def hold_out(
    cells: Sequence[Cell], seed: int, group_of: Mapping[str, frozenset[str]], share: float = 0.2
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Set a share of the cells aside, by patient group; return the patients who stay and those set aside."""
    parts = _by_patient(cells, seed, {"train": 1 - share, "val": share}, group_of)
    return parts["train"], parts["val"]


def split_by_image(cells: Sequence[Cell], seed: int) -> tuple[tuple[Cell, ...], Split]:
    """Split 60/20/20 by image, stratified by class, which leaks: patients are in several parts.

    Returns
    -------
    tuple
        The cells with their part filled in, and the split, whose patients repeat.
    """
    return assign_by_image(cells, _by_image(cells, seed, SHARES), seed)


def hold_out_by_image(cells: Sequence[Cell], seed: int, share: float) -> list[Cell]:
    """Return cells with the part `train` or, a share of either class, `val`, drawn by image, which leaks."""
    part_of = _by_image(cells, seed, {"val": share, "train": 1 - share})
    return [replace(cell, split=part_of[cell.path]) for cell in cells]


def _by_image(cells: Sequence[Cell], seed: int, shares: Mapping[str, float]) -> dict[str, str]:
    """Return the part of each path, stratified by class."""
    rng, names = np.random.default_rng(seed), list(shares)
    part_of: dict[str, str] = {}
    for label in LABELS:
        paths = rng.permutation(sorted(cell.path for cell in cells if cell.label == label))
        ends = np.cumsum([round(shares[name] * len(paths)) for name in names[:-1]])
        part_of |= {path: name for name, drawn in zip(names, np.split(paths, ends)) for path in drawn.tolist()}
    return part_of


def assign_by_image(cells: Sequence[Cell], part_of: Mapping[str, str], seed: int) -> tuple[tuple[Cell, ...], Split]:
    """Return the cells with the part of each path filled in, if it has one, and the split, whose patients repeat."""
    cells = tuple(replace(cell, split=part_of.get(cell.path, "")) for cell in cells)
    members = ({cell.patient for cell in cells if cell.split == part} for part in PARTS)
    train, val, test = (tuple(sorted(patients, key=natural_key)) for patients in members)
    return cells, Split("image", seed, train, val, test)


def use_all(cells: Sequence[Cell], seed: int, split: Split) -> tuple[tuple[Cell, ...], Split]:
    """Put every cell of a split's patients into the training part, for a network that is deployed, not evaluated."""
    patients = {*split.train, *split.val, *split.test}
    assigned = tuple(replace(cell, split="train") for cell in cells if cell.patient in patients)
    return assigned, Split(REFIT, seed, tuple(sorted(patients, key=natural_key)), (), ())


def _by_patient(
    cells: Sequence[Cell], seed: int, shares: Mapping[str, float], group_of: Mapping[str, frozenset[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the patients of each part of `shares`."""
    rng = np.random.default_rng(seed)
    part_of: dict[frozenset[str], str] = {}
    for label in LABELS:
        sizes: dict[frozenset[str], int] = defaultdict(int)
        for cell in cells:
            if cell.label == label:
                sizes[group_of.get(cell.patient, frozenset({cell.patient}))] += 1
        if len(sizes) < len(shares):
            raise DataError(
                f"too few patients to split: `{label}` has {len(sizes)} distinct; {', '.join(shares)} need one each."
            )
        _place(sizes, part_of, shares, rng)
    members = {part: [p for group, name in part_of.items() if name == part for p in group] for part in shares}
    return {part: tuple(sorted(members[part], key=natural_key)) for part in shares}


def _place(
    sizes: dict[frozenset[str], int],
    part_of: dict[frozenset[str], str],
    shares: Mapping[str, float],
    rng: np.random.Generator,
) -> None:
    """Give each group of one class a part, in place; a group that has one, by its other class, keeps it."""
    groups = sorted(sizes, key=sorted)
    images = sum(sizes.values())
    missing = {part: share * images for part, share in shares.items()}
    room = {part: max(1, round(share * len(groups))) for part, share in shares.items()}
    room["train"] = len(groups) - sum(count for part, count in room.items() if part != "train")
    order = np.log([sizes[group] for group in groups]) + rng.normal(0, 0.2, len(groups))
    by_size = [groups[index] for index in np.argsort(-order)]
    for group in sorted(by_size, key=lambda group: group not in part_of):
        if group not in part_of:
            part_of[group] = max((p for p in PREFERENCE if room.get(p)), key=lambda p: round(missing[p], 6))
        part = part_of[group]
        room[part if room[part] else max(room, key=lambda p: room[p])] -= 1
        missing[part] -= sizes[group]
