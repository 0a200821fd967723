"""Who is trained on, who validates, who judges: always whole patients, and never one of them twice."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
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
PREFERENCE = ("train", "test", "val")  # who gets the larger patient where two parts miss as many images


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


def split_by_patient(cells: Sequence[Cell], seed: int, twins: Sequence[Twins] = ()) -> Split:
    """Split 60/20/20 by patient, stratified by class, with image counts as even as the patients allow.

    The largest patients are placed first (in an order jittered by the seed), each into the part that misses
    most images of its class and still has room for a patient. Patients who share a picture count as one.

    Parameters
    ----------
    cells : sequence of Cell
        Labelled cells with their pixels' hashes.
    seed : int
        Seed of the order.
    twins : sequence of (Cell, Cell, float)
        Pairs that show one cell photographed twice.

    Raises
    ------
    DataError
        If a class has fewer than three patients.
    """
    return Split("patient", seed, **_by_patient(cells, seed, SHARES, merge_aliases(cells, twins)))


def split_official(
    cells: Sequence[Cell], preliminary: Collection[str], seed: int, twins: Sequence[Twins] = ()
) -> Split:
    """Split as C-NMC's challenge: test on the preliminary set, validate on a fifth of the folds' patients.

    Parameters
    ----------
    cells, seed, twins
        As for `split_by_patient`.
    preliminary : collection of str
        Paths of the cells of the preliminary set.

    Raises
    ------
    DataError
        If there is no preliminary set, or the folds have fewer than two patients of a class besides its patients.
    """
    alias = merge_aliases(cells, twins)
    judges = {cell.patient for cell in cells if cell.path in preliminary}
    if not judges:
        raise DataError("--split official needs C-NMC's preliminary test set, with its labels CSV: there is none here.")
    folds = [cell for cell in cells if not alias[cell.patient] & judges]
    parts = _by_patient(folds, seed, {"train": 0.8, "val": 0.2}, alias)
    return Split("official", seed, **parts, test=tuple(sorted(judges, key=natural)))


def split_by_image(cells: Sequence[Cell], seed: int) -> tuple[tuple[Cell, ...], Split]:
    """Split 60/20/20 by image, stratified by class, as one must not: patients stand in several parts.

    Returns
    -------
    tuple
        The cells with their part filled in, and the split, whose patients repeat.
    """
    rng = np.random.default_rng(seed)
    part_of: dict[str, str] = {}
    for label in LABELS:
        paths = rng.permutation(sorted(cell.path for cell in cells if cell.label == label))
        ends = np.cumsum([round(SHARES[part] * len(paths)) for part in PARTS[:-1]])
        part_of |= {path: part for part, chosen in zip(PARTS, np.split(paths, ends)) for path in chosen.tolist()}
    cells = tuple(replace(cell, split=part_of[cell.path]) for cell in cells)
    members = {part: {cell.patient for cell in cells if cell.split == part} for part in PARTS}
    return cells, Split("image", seed, **{part: tuple(sorted(members[part], key=natural)) for part in PARTS})


def _by_patient(
    cells: Sequence[Cell], seed: int, shares: dict[str, float], alias: dict[str, frozenset[str]]
) -> dict[str, tuple[str, ...]]:
    """Return the patients of each part of `shares`."""
    rng = np.random.default_rng(seed)
    part_of: dict[frozenset[str], str] = {}
    for label in LABELS:
        sizes: dict[frozenset[str], int] = defaultdict(int)
        for cell in cells:
            if cell.label == label:
                sizes[alias[cell.patient]] += 1
        if len(sizes) < len(shares):
            raise DataError(
                f"too few patients to split: `{label}` has {len(sizes)} distinct; {', '.join(shares)} need one each."
            )
        _place(sizes, part_of, shares, rng)
    members = {part: [p for group, chosen in part_of.items() if chosen == part for p in group] for part in shares}
    return {part: tuple(sorted(members[part], key=natural)) for part in shares}


def _place(
    sizes: dict[frozenset[str], int],
    part_of: dict[frozenset[str], str],
    shares: dict[str, float],
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
        room[part if room[part] else max(room, key=room.get)] -= 1
        missing[part] -= sizes[group]


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
        If a patient, an identical picture, or one cell photographed twice stands in two parts, or a part lacks a class.
    """
    if split.protocol != "image":
        _check_patients(split)
        part_of = {cell.path: cell.split for cell in cells}
        by_hash: dict[str, Cell] = {}
        same = [(by_hash.setdefault(cell.sha256, cell), cell, 1.0) for cell in cells if cell.split]
        for one, other, likeness in (*same, *twins):
            parts = part_of[one.path], part_of[other.path]
            if all(parts) and parts[0] != parts[1]:
                what = "the same picture" if likeness == 1 else f"one cell photographed twice (likeness {likeness:.3f})"
                told = " and ".join(f"{c.path} (patient {c.patient}) in {p}" for c, p in zip((one, other), parts))
                raise DataError(f"leak: {what} stands as {told}; put these patients into one part.")
    for part in PARTS:
        for label in LABELS:
            if not any(cell.split == part and cell.label == label for cell in cells):
                if (split.protocol, part) == ("official", "test"):  # a partial download
                    log.warning("WARNING: no `%s` cell in the preliminary test set: most scores are undefined", label)
                    continue
                raise DataError(f"the split leaves no `{label}` cell in {part}: move a patient there.")


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
