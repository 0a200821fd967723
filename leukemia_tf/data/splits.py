"""Who is trained on, who validates, who judges: always whole patients, and never one of them twice."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.errors import DataError
from leukemia_tf.files import write_json

PARTS = ("train", "val", "test")
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
PREFERENCE = ("train", "test", "val")  # who gets the larger patient where two parts miss as many images


@dataclass(frozen=True)
class Split:
    """Patients by part; splits.json."""

    protocol: str
    seed: int
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def part_of(self) -> dict[str, str]:
        """Return the part of each patient."""
        return {patient: part for part in PARTS for patient in getattr(self, part)}


def merge_aliases(cells: Iterable[Cell]) -> dict[str, frozenset[str]]:
    """Return for each patient all who are the same: those who share an identical picture, directly or through others.

    Raises
    ------
    DataError
        If one picture carries both labels.
    """
    group = {cell.patient: {cell.patient} for cell in cells}
    first: dict[str, Cell] = {}
    for cell in cells:
        twin = first.setdefault(cell.sha256, cell)
        if twin.label != cell.label:
            raise DataError(
                f"{twin.path} and {cell.path} are the same picture, once labelled {twin.label} and once {cell.label}: "
                "remove the wrong one."
            )
        if group[twin.patient] is not group[cell.patient]:
            union = group[twin.patient] | group[cell.patient]
            for patient in union:
                group[patient] = union
    return {patient: frozenset(same) for patient, same in group.items()}


def split_by_patient(cells: Sequence[Cell], seed: int) -> Split:
    """Split 60/20/20 by patient, stratified by class, with image counts as even as the patients allow.

    The largest patients are placed first (in an order jittered by the seed), each into the part that misses
    most images of its class and still has room for a patient. Patients who share a picture count as one.

    Parameters
    ----------
    cells : sequence of Cell
        Labelled cells with their pixels' hashes.
    seed : int
        Seed of the order.

    Raises
    ------
    DataError
        If a class has fewer than three patients.
    """
    alias = merge_aliases(cells)
    rng = np.random.default_rng(seed)
    part_of: dict[frozenset[str], str] = {}
    for label in LABELS:
        sizes: dict[frozenset[str], int] = defaultdict(int)
        for cell in cells:
            if cell.label == label:
                sizes[alias[cell.patient]] += 1
        if len(sizes) < 3:
            raise DataError(
                f"too few patients to split: `{label}` has {len(sizes)} distinct; train, val and test need one each."
            )
        _place(sizes, part_of, rng)
    members = {part: [p for group, chosen in part_of.items() if chosen == part for p in group] for part in PARTS}
    return Split("patient", seed, **{part: tuple(sorted(members[part], key=_natural)) for part in PARTS})


def _place(sizes: dict[frozenset[str], int], part_of: dict[frozenset[str], str], rng: np.random.Generator) -> None:
    """Give each group of one class a part, in place; a group that has one, by its other class, keeps it."""
    groups = sorted(sizes, key=sorted)
    images = sum(sizes.values())
    missing = {part: share * images for part, share in SHARES.items()}
    room = {part: max(1, round(SHARES[part] * len(groups))) for part in ("val", "test")}
    room["train"] = len(groups) - room["val"] - room["test"]
    order = np.log([sizes[group] for group in groups]) + rng.normal(0, 0.2, len(groups))
    by_size = [groups[index] for index in np.argsort(-order)]
    for group in sorted(by_size, key=lambda group: group not in part_of):
        if group not in part_of:
            part_of[group] = max((p for p in PREFERENCE if room[p]), key=lambda p: round(missing[p], 6))
        part = part_of[group]
        room[part if room[part] else max(room, key=room.get)] -= 1
        missing[part] -= sizes[group]


def _natural(patient: str) -> tuple[str, int, str]:
    digits = "".join(filter(str.isdigit, patient))
    return patient.rstrip("0123456789"), int(digits or 0), patient


def read_split(path: Path) -> Split:
    """Read a splits.json, a user's own or a run's.

    Raises
    ------
    DataError
        If the file is missing or not a split.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        parts = {part: tuple(str(patient).upper() for patient in content[part]) for part in PARTS}
        return Split(str(content.get("protocol", "file")), int(content.get("seed", 0)), **parts)
    except OSError as error:
        raise DataError(f"--split {path}: {error.strerror}. It takes `patient`, or a splits.json.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not a split ({type(error).__name__}: {error}): it needs lists of patients: train, val, test."
        ) from None


def write_split(path: Path, split: Split) -> Path:
    """Write splits.json."""
    return write_json(path, asdict(split))


def assign(cells: Iterable[Cell], split: Split) -> tuple[Cell, ...]:
    """Return the cells with their part filled in; a patient that the split does not name gets none."""
    part_of = {patient.upper(): part for patient, part in split.part_of().items()}
    return tuple(replace(cell, split=part_of.get(cell.patient.upper(), "")) for cell in cells)


def check_split(cells: Sequence[Cell], split: Split) -> None:
    """Assert that nothing leaks and nothing is empty: the check that every run makes.

    Raises
    ------
    DataError
        If a patient, or an identical picture, stands in two parts, or a part lacks a class.
    """
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = set(getattr(split, one)) & set(getattr(split, other))
        if shared:
            raise DataError(f"leak: {_names(shared)} in both {one} and {other}; take each patient out of one of them.")
    parts = defaultdict(set)
    for cell in cells:
        if cell.split:
            parts[cell.sha256].add((cell.split, cell.patient))
    for where in parts.values():
        if len({part for part, _ in where}) > 1:
            raise DataError(
                "leak: the same picture stands in "
                + " and ".join(f"{part} (patient {patient})" for part, patient in sorted(where))
                + "; put these patients into one part."
            )
    for part in PARTS:
        for label in LABELS:
            if not any(cell.split == part and cell.label == label for cell in cells):
                raise DataError(f"the split leaves no `{label}` cell in {part}: move a patient there.")


def describe(cells: Sequence[Cell]) -> str:
    """Return the split as a table: images and patients per class and part, the thin parts, the leak check."""
    lines = [
        f"{'part':<6} {'all':>20} {'hem':>20}",
        f"{'':<6} {'images':>10} {'patients':>9} {'images':>10} {'patients':>9}",
    ]
    thin = []
    for part in PARTS:
        row = f"{part:<6}"
        for label in ("all", "hem"):
            of_class = [cell for cell in cells if cell.label == label]
            chosen = [cell for cell in of_class if cell.split == part]
            row += f" {len(chosen):>10} {len({cell.patient for cell in chosen}):>9}"
            if len(chosen) < 0.5 * SHARES[part] * len(of_class):
                thin.append(f"{part} is thin in {label} ({len(chosen)} images)")
        lines.append(row)
    patients = {cell.patient for cell in cells if cell.split}
    shared = [p for p in patients if len({cell.split for cell in cells if cell.patient == p}) > 1]
    lines.append(f"{len(shared)} of {len(patients)} patients shared" + "".join(f"; {text}" for text in thin))
    return "\n".join(lines)


def _names(patients: set[str]) -> str:
    return ("patient " if len(patients) == 1 else "patients ") + ", ".join(sorted(patients, key=_natural))
