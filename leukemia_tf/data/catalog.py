"""Which cells there are: path, label and patient of every image, from folders, names and C-NMC's CSV."""

from __future__ import annotations

import csv
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from glob import glob, has_magic
from pathlib import Path

from leukemia_tf.data.integrity import SUFFIXES
from leukemia_tf.errors import DataError
from leukemia_tf.files import read_csv, write_csv
from leukemia_tf.run import is_explanation

LABELS = ("hem", "all")  # the index is the class: all = leukemic = positive = 1
NAME = re.compile(r"UID_(?P<patient>[Hh]?\d+)_.*_(?P<label>all|hem)", re.IGNORECASE)
CSV_COLUMNS = {"Patient_ID", "new_names", "labels"}
OWN = ({"audit.json", "rejected.csv"}, {"config.json", "environment.json"})  # an audit's report, a run
CODES = {"0": "hem", "1": "all"}


@dataclass(frozen=True)
class Cell:
    """One image of one segmented white blood cell; a row of cells.csv."""

    path: str  # relative to the data folder, with forward slashes
    label: str  # `all`, `hem`, or empty where unknown
    patient: str
    sha256: str = ""  # of the decoded pixels
    split: str = ""  # `train`, `val`, `test`, or empty
    pseudo: float | None = None  # the probability of `all` that a network told, where `label` is what it told


@dataclass(frozen=True)
class Rejected:
    """An image that cannot be used, and why."""

    path: str  # relative to the data folder
    reason: str
    convertible: bool = False  # whether a clean copy can be written


@dataclass(frozen=True)
class Catalog:
    """The cells of a folder, and what was found beside them."""

    folder: Path
    cells: tuple[Cell, ...]
    unlabelled: tuple[str, ...] = ()  # images that no rule gives a label: only for predict
    rejected: tuple[Rejected, ...] = ()  # whose label or patient contradicts itself or cannot be told
    preliminary: frozenset[str] = frozenset()  # paths of cells that a CSV names: C-NMC's preliminary test set
    rows_without_image: int = 0  # rows of a CSV that name no image here
    rows_unread: int = 0  # rows of a CSV that no rule parses


def read_catalog(folder: Path) -> Catalog:
    """Read which labelled cells lie below a folder.

    Understands C-NMC's download (training folds; numbered preliminary images named by their CSV;
    unlabelled final images), any folder of names like `UID_11_10_1_all.bmp`, and a plain tree of `all/` and `hem/`
    with a folder a patient, as in `all/P07/cell-1.png`. Nothing is decoded yet.

    Raises
    ------
    DataError
        If there is no such folder, no image in it, or a CSV's labels are reversed.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Name a folder of cells with --data or LEUKEMIA_TF_DATA.")
    images = _images_below(folder)
    if not images:
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)}): name a folder of cells with --data.")
    named, counts = _named_by_csv(folder, images)
    cells, unlabelled, rejected = [], [], []
    for image in images:
        path = image.relative_to(folder).as_posix()
        told = named.get(image) or _told_by_path(image, folder)
        if told is None:
            unlabelled.append(path)
        elif isinstance(told, str):
            rejected.append(Rejected(path, told))
        else:
            cells.append(Cell(path, *told))
    preliminary = frozenset(image.relative_to(folder).as_posix() for image in named)
    return Catalog(folder, tuple(cells), tuple(unlabelled), tuple(rejected), preliminary, *counts)


def told_by_name(path: Path) -> tuple[str, str] | None:
    """Return label and patient by a name in C-NMC's form, such as `UID_h3_4_1_hem.bmp`: (`hem`, `H3`); else None."""
    match = NAME.fullmatch(path.stem)
    return (match["label"].lower(), match["patient"].upper()) if match else None


def _told_by_path(path: Path, folder: Path) -> tuple[str, str] | str | None:
    """Return label and patient by the folder's and the file's name; what is wrong with them; or None without label."""
    above = path.relative_to(folder.parent).parent.parts
    level = next((i for i in range(len(above) - 1, -1, -1) if above[i].lower() in LABELS), None)
    told = told_by_name(path)
    if level is None:
        return told
    label = above[level].lower()
    if told:
        return told if told[0] == label else f"its name says `{told[0]}`, its folder `{label}`: put it where it belongs"
    if level + 1 < len(above):
        return label, above[level + 1]
    return (
        f"its patient cannot be told: name it like UID_11_10_1_all{path.suffix}, or put each patient's "
        f"cells into a folder of their own: {label}/PATIENT/{path.name}"
    )


def _images_below(folder: Path) -> list[Path]:
    """Return a folder's images, sorted, without the pictures that this package wrote; links are followed."""
    found, seen = [], set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen or (Path(root) != folder and any(own <= set(names) for own in OWN)):
            folders.clear()
            continue
        seen.add(real)
        found += [Path(root, name) for name in names if name.lower().endswith(SUFFIXES)]
    return sorted(path for path in found if path.is_file() and not is_explanation(path))


def _named_by_csv(folder: Path, images: list[Path]) -> tuple[dict[Path, tuple[str, str] | str], tuple[int, int]]:
    """Return what CSVs in C-NMC's form say of the images; how many rows have no image; how many no rule parses."""
    named: dict[Path, tuple[str, str] | str] = {}
    missing = unread = 0
    for table in sorted(folder.rglob("*.csv")):
        rows = _rows(table)
        told = [told_by_name(Path(row["Patient_ID"] or "")) for row in rows]
        coded = [CODES.get((row["labels"] or "").strip()) for row in rows]
        agree = [name[0] == code for name, code in zip(told, coded) if name and code]
        if agree and not any(agree):
            raise DataError(f"{table}: no label agrees with its name. 1 must stand for `all` and 0 for `hem`.")
        below = defaultdict(list)
        for path in images:
            if path.is_relative_to(table.parent):
                below[path.stem].append(path)
        for row, name, code in zip(rows, told, coded):
            paths = below[Path(row["new_names"] or "").stem]
            unread += name is None
            missing += not paths
            for path in paths if name else ():
                said = name if name[0] == code else _contradiction(table, row)
                if len(paths) > 1:
                    said = f"its row in {table.name} fits {len(paths)} images: give each a name of its own"
                elif named.get(path, said) != said:
                    said = f"two rows of {table.name} say different things of it: mend them"
                named[path] = said
    return named, (missing, unread)


def _rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV in C-NMC's form; none of any other."""
    try:
        rows = read_csv(table)
    except csv.Error:
        return []
    return rows if rows and rows[0].keys() >= CSV_COLUMNS else []


def _contradiction(table: Path, row: dict[str, str]) -> str:
    return f"its row in {table.name} contradicts itself: {row['Patient_ID']} with label {row['labels']}; mend the row"


def write_cells(path: Path, cells: Iterable[Cell]) -> Path:
    """Write cells.csv; the column `pseudo` stands only where a cell has one."""
    rows = [asdict(cell) for cell in cells]
    told = any(row["pseudo"] is not None for row in rows)
    names = [column.name for column in fields(Cell) if told or column.name != "pseudo"]
    return write_csv(path, names, ({name: row[name] for name in names} for row in rows))


def read_cells(path: Path) -> tuple[Cell, ...]:
    """Read cells.csv."""
    rows = read_csv(path)
    return tuple(Cell(**{**row, "pseudo": float(row["pseudo"]) if row.get("pseudo") else None}) for row in rows)


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return the images among files, folders and patterns (`cells/*.bmp`, where the shell has left one as it is).

    In the order asked; what a folder or a pattern gives is sorted.

    Raises
    ------
    DataError
        If a folder holds no image, if nothing is like a pattern, or if nothing was asked for.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists() and has_magic(str(path)):
            inside = sorted(map(Path, glob(str(path), recursive=True)))
            if not inside:
                raise DataError(f"there is no file like {path}.")
        else:
            inside = _images_below(path) if path.is_dir() else [path]
        if not inside:
            raise DataError(f"{path} holds no images ({', '.join(SUFFIXES)}).")
        found += inside
    if not found:
        raise DataError("no image was named: name files or folders.")
    return found
