"""Training, validation and test parts of whole patients, and the check that none of them leaks."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import write_json
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.patient_groups import NearDuplicate, groups_by_patient, natural_key, patient_group_names
from leukemia_tf.data.patient_names import patient_name

log = logging.getLogger(__name__)

PARTS = ("train", "val", "test")
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


@dataclass(frozen=True)
class Split:
    """Patients by part; splits.json.

    With `folds` there is no validation part: each of these groups of training patients is predicted by a network that
    was trained on the others.
    """

    protocol: str
    seed: int
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]
    folds: tuple[tuple[str, ...], ...] = ()

    def part_of(self) -> dict[str, str]:
        """Return the part of each patient."""
        return {patient: part for part in PARTS for patient in getattr(self, part)}


def read_split(path: Path) -> Split:
    """Read a splits.json, a user's or a run's.

    Raises
    ------
    DataError
        If the file is missing or not a split.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(content[part], list) for part in PARTS):
            raise TypeError("a part is not a list")
        parts = {part: tuple(dict.fromkeys(patient_name(str(name)) for name in content[part])) for part in PARTS}
        folds = tuple(tuple(patient_name(str(name)) for name in fold) for fold in content.get("folds", ()))
        return Split(str(content.get("protocol", "file")), int(content.get("seed", 0)), **parts, folds=folds)
    except OSError as error:
        raise DataError(
            f"`split`: {error.strerror}. It takes patient, official, image, or a splits.json. Received: split={path}"
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

    Under the official protocol only the cells of `preliminary` are tested: others of those patients get no part.
    """
    part_of = split.part_of()

    def part(cell: Cell) -> str:
        name = part_of.get(cell.patient, "")
        left_out = split.protocol == "official" and name == "test" and preliminary and cell.path not in preliminary
        return "" if left_out else name

    return tuple(replace(cell, split=part(cell)) for cell in cells)


def check_split(
    cells: Sequence[Cell],
    split: Split,
    near_duplicates: Sequence[NearDuplicate] = (),
    known: Sequence[Sequence[str]] = (),
) -> None:
    """Stop at a leak or an empty part: the check that every run makes.

    Parameters
    ----------
    cells : sequence of Cell
        With their part filled in.
    split : Split
        A split by image leaks by design: of it only the parts are checked.
    near_duplicates : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.
    known : sequence of sequence of str
        Names that are known to be one patient.

    Raises
    ------
    DataError
        If a patient, under one name or two, an identical picture, or one cell photographed twice is in two parts, or
        a part lacks a class.
        A split may leave out validation.
    """
    if split.protocol != "image":
        _check_patients(split)
        _check_known(split, known)
        _check_pictures(cells, near_duplicates)
    if not any(cell.split == "test" for cell in cells):
        raise DataError("the split leaves no cell in test: the patients it names are not here.")
    for part in PARTS if split.val else ("train", "test"):
        for label in LABELS:
            if not any(cell.split == part and cell.label == label for cell in cells):
                if (split.protocol, part) == ("official", "test"):  # a partial download
                    log.warning("WARNING: no `%s` cell in the preliminary test set: most scores are undefined", label)
                    continue
                raise DataError(f"the split leaves no `{label}` cell in {part}: move a patient there.")


def _check_pictures(cells: Sequence[Cell], near_duplicates: Sequence[NearDuplicate]) -> None:
    copies = defaultdict(list)
    for cell in cells:
        if cell.split:
            copies[cell.sha256].append(cell)
    pairs = [(one, other, "the same picture") for same in copies.values() for one, other in combinations(same, 2)]
    for first, second, similarity in near_duplicates:
        what = f"one cell photographed twice (similarity {similarity:.3f})"
        pairs += [(one, other, what) for one in copies[first.sha256] for other in copies[second.sha256]]
    for one, other, what in pairs:
        if one.split != other.split:
            places = " and ".join(f"{cell.path} (patient {cell.patient}) in {cell.split}" for cell in (one, other))
            raise DataError(f"leak: {what} is {places}; put these patients into one part.")


def _check_patients(split: Split) -> None:
    for one, other in combinations(PARTS, 2):
        shared = set(getattr(split, one)) & set(getattr(split, other))
        if shared:
            raise DataError(f"leak: {_names(shared)} in both {one} and {other}; take each patient out of one of them.")


def _check_known(split: Split, known: Sequence[Sequence[str]]) -> None:
    part_of = split.part_of()
    for group in known:
        parts = {part_of[name]: name for name in group if name in part_of}
        if len(parts) > 1:
            places = " and ".join(f"{name} in {part}" for part, name in parts.items())
            raise DataError(
                f"leak: C-NMC files one patient as {', '.join(group)}, and the split has {places}; put these names "
                "into one part (`cnmc_doubles=ignore` takes them for different patients)."
            )


def describe(cells: Sequence[Cell], groups: Sequence[Sequence[str]] = ()) -> str:
    """Return the split as a table: images and patients per class and part, the thin parts, the leak check.

    Parameters
    ----------
    cells : sequence of Cell
        With their part.
    groups : sequence of sequence of str
        Names of one patient, who is counted once.
    """
    group_of = groups_by_patient(groups)
    lines = [
        f"{'part':<6} {'all':>20} {'hem':>20}",
        f"{'':<6} {'images':>10} {'patients':>9} {'images':>10} {'patients':>9}",
    ]
    thin = []
    for part in PARTS:
        row = f"{part:<6}"
        for label in ("all", "hem"):
            of_class = [cell for cell in cells if cell.label == label]
            members = [cell for cell in of_class if cell.split == part]
            row += f" {len(members):>10} {len(set(patient_group_names(members, group_of))):>9}"
            if (members or part != "val") and len(members) < 0.5 * SHARES[part] * len(of_class):
                thin.append(f"{part} is thin in {label} ({len(members)} images)")
        lines.append(row)
    parts_of = defaultdict(set)
    for cell, name in zip(cells, patient_group_names(cells, group_of)):
        if cell.split:
            parts_of[name].add(cell.split)
    shared = sum(len(parts) > 1 for parts in parts_of.values())
    lines.append(f"{shared} of {len(parts_of)} patients shared" + "".join(f"; {text}" for text in thin))
    if groups:
        lines.append(f"names of one patient, counted once: {'; '.join(' = '.join(group) for group in groups)}")
    return "\n".join(lines)


def _names(patients: set[str]) -> str:
    return ("patient " if len(patients) == 1 else "patients ") + ", ".join(sorted(patients, key=natural_key))
