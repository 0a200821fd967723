"""Who is trained on, who validates, who judges: always whole patients, and never one of them twice."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.errors import DataError
from leukemia_tf.files import write_json

log = logging.getLogger(__name__)

PARTS = ("train", "val", "test")
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


Twins = tuple[Cell, Cell, float]  # one cell photographed twice, and how alike the pictures are


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


def merge_aliases(cells: Iterable[Cell], twins: Iterable[Twins] = ()) -> dict[str, frozenset[str]]:
    """Return for each patient all who are the same: those who share a picture, directly or through others.

    Parameters
    ----------
    cells : iterable of Cell
        With their pixels' hashes: identical pixels are a shared picture.
    twins : iterable of (Cell, Cell, float)
        Pairs that show one cell photographed twice: shared too.

    Raises
    ------
    DataError
        If one picture carries both labels.
    """
    cells = tuple(cells)
    group = {cell.patient: {cell.patient} for cell in cells}
    first: dict[str, Cell] = {}
    shared = [(first.setdefault(cell.sha256, cell), cell) for cell in cells]
    for twin, cell in shared:
        if twin.label != cell.label:
            raise DataError(
                f"{twin.path} and {cell.path} are the same picture, once labelled {twin.label} and once {cell.label}: "
                "remove the wrong one."
            )
    for twin, cell in (*shared, *((one, other) for one, other, _ in twins)):
        if group[twin.patient] is not group[cell.patient]:
            union = group[twin.patient] | group[cell.patient]
            for patient in union:
                group[patient] = union
    return {patient: frozenset(same) for patient, same in group.items()}


def aliases(same: Iterable[Sequence[str]]) -> dict[str, frozenset[str]]:
    """Return for each of these patients all who are the same, from groups as `config.json` keeps them."""
    return {patient: frozenset(group) for group in same for patient in group}


def people(cells: Sequence[Cell], alias: Mapping[str, frozenset[str]]) -> np.ndarray:
    """Return who each cell (anything with a `patient`) is of, one name a person, such as `20+21`: str [n]."""
    return np.array(["+".join(sorted(alias.get(cell.patient, {cell.patient}))) for cell in cells])


def natural(patient: str) -> tuple[str, int, str]:
    """Return a sort key by which `H9` comes before `H10`."""
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
        if not all(isinstance(content[part], list) for part in PARTS):
            raise TypeError("a part is not a list")
        parts = {part: tuple(str(patient).upper() for patient in content[part]) for part in PARTS}
        return Split(str(content.get("protocol", "file")), int(content.get("seed", 0)), **parts)
    except OSError as error:
        raise DataError(
            f"--split {path}: {error.strerror}. It takes `patient`, `official`, `image`, or a splits.json."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not a split ({type(error).__name__}: {error}): it needs lists of patients: train, val, test."
        ) from None


def write_split(path: Path, split: Split) -> Path:
    """Write splits.json."""
    return write_json(path, asdict(split))


def assign(cells: Iterable[Cell], split: Split, preliminary: Collection[str] = ()) -> tuple[Cell, ...]:
    """Return the cells with their part filled in; a patient that the split does not name gets none.

    Under the official protocol only the cells of `preliminary` are judged: others of those patients get no part.
    """
    part_of = {patient.upper(): part for patient, part in split.part_of().items()}

    def part(cell: Cell) -> str:
        found = part_of.get(cell.patient.upper(), "")
        left_out = split.protocol == "official" and found == "test" and preliminary and cell.path not in preliminary
        return "" if left_out else found

    return tuple(replace(cell, split=part(cell)) for cell in cells)


def check_split(cells: Sequence[Cell], split: Split, twins: Sequence[Twins] = ()) -> None:
    """Assert that nothing leaks and nothing is empty: the check that every run makes.

    Parameters
    ----------
    cells : sequence of Cell
        With their part filled in.
    split : Split
        A split by image leaks by design: of it only the parts are checked.
    twins : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.

    Raises
    ------
    DataError
        If a patient, an identical picture, or one cell photographed twice stands in two parts, or a part lacks a class;
        a split may name no patient for validation.
    """
    if split.protocol != "image":
        _check_patients(split)
        _check_pictures(cells, twins)
    if not any(cell.split == "test" for cell in cells):
        raise DataError("the split leaves no cell in test: the patients it names are not here.")
    if not split.val:
        log.warning("WARNING: the split has no patient for validation: each stage is trained to its end, and kept")
    for part in PARTS if split.val else ("train", "test"):
        for label in LABELS:
            if not any(cell.split == part and cell.label == label for cell in cells):
                if (split.protocol, part) == ("official", "test"):  # a partial download
                    log.warning("WARNING: no `%s` cell in the preliminary test set: most scores are undefined", label)
                    continue
                raise DataError(f"the split leaves no `{label}` cell in {part}: move a patient there.")


def _check_pictures(cells: Sequence[Cell], twins: Sequence[Twins]) -> None:
    placed = defaultdict(list)
    for cell in cells:
        if cell.split:
            placed[cell.sha256].append(cell)
    pairs = [(one, other, "the same picture") for same in placed.values() for one, other in combinations(same, 2)]
    for first, second, likeness in twins:
        what = f"one cell photographed twice (likeness {likeness:.3f})"
        pairs += [(one, other, what) for one in placed[first.sha256] for other in placed[second.sha256]]
    for one, other, what in pairs:
        if one.split != other.split:
            told = " and ".join(f"{cell.path} (patient {cell.patient}) in {cell.split}" for cell in (one, other))
            raise DataError(f"leak: {what} stands as {told}; put these patients into one part.")


def _check_patients(split: Split) -> None:
    for one, other in combinations(PARTS, 2):
        shared = set(getattr(split, one)) & set(getattr(split, other))
        if shared:
            raise DataError(f"leak: {_names(shared)} in both {one} and {other}; take each patient out of one of them.")


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
    return ("patient " if len(patients) == 1 else "patients ") + ", ".join(sorted(patients, key=natural))
