"""The catalog of a data folder: path, label and patient of every image, from folders, names and C-NMC's CSV."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from glob import glob, has_magic
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import read_csv, write_csv
from leukemia_tf.data.cnmc import parse_cnmc_name
from leukemia_tf.data.integrity import SUFFIXES
from leukemia_tf.data.patient_names import patient_name, spellings
from leukemia_tf.runs.run_folder import CONFIG, ENVIRONMENT, REJECTED

LABELS = ("hem", "all")  # the index is the class: all = leukemic = positive = 1
CSV_COLUMNS = {"Patient_ID", "new_names", "labels"}
CODES = {"0": "hem", "1": "all"}
OUTPUTS = ({"audit.json", REJECTED}, {CONFIG, ENVIRONMENT})  # files of an audit, of a run
LEFT_OUT, MASKS, OVERLAYS = "left-out.csv", "masks", "overlays"  # of a folder of segmented cells
Identity = tuple[str, str]  # label and patient


@dataclass(frozen=True)
class Cell:
    """One image of one segmented white blood cell; a row of cells.csv."""

    path: str  # relative to the data folder, with forward slashes
    label: str  # `all`, `hem`, or empty where unknown
    patient: str
    sha256: str = ""  # of the decoded pixels
    split: str = ""  # `train`, `val`, `test`, or empty
    pseudo: float | None = None  # the probability of `all`, where `label` is a network's prediction


@dataclass(frozen=True)
class Rejected:
    """An image that cannot be used, and why."""

    path: str  # relative to the data folder
    reason: str
    convertible: bool = False  # whether a clean copy can be written


@dataclass(frozen=True)
class Respelt:
    """A patient whose folders are spelt in several ways: other letter case, other Unicode form."""

    patient: str
    path: str  # of a cell under another spelling than the first

    @property
    def reason(self) -> str:
        """Say it."""
        return f"patient {self.patient} is spelt in several ways (letter case or Unicode form): counted as one"


@dataclass(frozen=True)
class Catalog:
    """The labelled cells of a folder, and what cannot be used."""

    folder: Path
    cells: tuple[Cell, ...]
    unlabelled: tuple[str, ...] = ()  # images that no rule gives a label: only for predict
    rejected: tuple[Rejected, ...] = ()  # whose label or patient is contradictory or unknown
    preliminary: frozenset[str] = frozenset()  # paths of cells that a CSV names: C-NMC's preliminary test set
    rows_without_image: int = 0  # rows of a CSV that name no image here
    rows_unread: int = 0  # rows of a CSV that no rule parses
    cnmc_patients: frozenset[str] = frozenset()  # whose name was read from one in C-NMC's form
    respelt: tuple[Respelt, ...] = ()  # patients whose folders are spelt in several ways


def read_catalog(folder: Path) -> Catalog:
    """List the cells below a folder; no image is decoded.

    It reads C-NMC's download (training folds; numbered preliminary images, named by their CSV; unlabelled final
    images), any folder of names like `UID_11_10_1_all.bmp`, and a plain tree of `all/` and `hem/` with one folder per
    patient, as in `all/P07/cell-1.png`.

    Raises
    ------
    DataError
        If there is no such folder, no image in it, or a CSV's labels are reversed.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Name a folder of cells by `data` or LEUKEMIA_TF_DATA.")
    images = _images_below(folder)
    if not images:
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)}): name a folder of cells by `data`.")
    named, counts = _named_by_csv(folder, images)
    cells, unlabelled, rejected = [], [], []
    cnmc = set()
    for image in images:
        path = image.relative_to(folder).as_posix()
        identity = named.get(image) or _parse_path(image, folder)
        if identity is None:
            unlabelled.append(path)
        elif isinstance(identity, str):
            rejected.append(Rejected(path, identity))
        else:
            cells.append(Cell(path, *identity))
            if image in named or parse_cnmc_name(image):
                cnmc.add(identity[1])
    patients = frozenset(cnmc)
    respelt = _respelt(cell for cell in cells if cell.patient not in patients)
    cells = [replace(cell, patient=patient_name(cell.patient)) for cell in cells]
    preliminary = frozenset(image.relative_to(folder).as_posix() for image in named)
    return Catalog(folder, tuple(cells), tuple(unlabelled), tuple(rejected), preliminary, *counts, patients, respelt)


def _respelt(cells: Iterable[Cell]) -> tuple[Respelt, ...]:
    """Return the patients with several spellings, each with the first cell of another spelling than the first's."""
    first: dict[str, Cell] = {}
    for cell in cells:
        first.setdefault(cell.patient, cell)
    return tuple(Respelt(patient, first[texts[1]].path) for patient, texts in spellings(first).items())


def _parse_path(path: Path, folder: Path) -> Identity | str | None:
    """Return label and patient by the folder's and the file's name; a reason to reject it; or None without a label."""
    above = path.relative_to(folder.parent).parent.parts
    level = next((i for i in range(len(above) - 1, -1, -1) if above[i].lower() in LABELS), None)
    named = parse_cnmc_name(path)
    if level is None:
        return named
    label = above[level].lower()
    if named:
        return named if named[0] == label else f"its name says `{named[0]}`, its folder `{label}`: move or rename it"
    if level + 1 < len(above):
        return label, above[level + 1]
    return (
        f"its patient is unknown: name it like UID_11_10_1_all{path.suffix}, or use one folder per patient: "
        f"{label}/PATIENT/{path.name}"
    )


def patient_of_file(path: Path) -> str:
    """Return a picture's patient by its name or its folders, as `read_catalog` reads them; empty where unknown."""
    path = path.absolute()
    identity = _parse_path(path, Path(path.anchor))
    return patient_name(identity[1]) if isinstance(identity, tuple) else ""


def _images_below(folder: Path) -> list[Path]:
    """Return a folder's images, sorted, without those of runs, audits and segmented fields; links are followed."""
    images: list[Path] = []
    seen: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen or (Path(root) != folder and any(files <= set(names) for files in OUTPUTS)):
            folders.clear()
            continue
        seen.add(real)
        if LEFT_OUT in names:  # segmented cells: these are pictures of fields
            folders[:] = [name for name in folders if name not in (MASKS, OVERLAYS)]
        images += [Path(root, name) for name in names if name.lower().endswith(SUFFIXES)]
    return sorted(path for path in images if path.is_file())


def _named_by_csv(folder: Path, images: list[Path]) -> tuple[dict[Path, Identity | str], tuple[int, int]]:
    """Read the CSVs in C-NMC's form.

    Returns
    -------
    tuple
        Label and patient of each image that a row names, or the reason to reject it; the numbers of rows without an
        image and of rows that cannot be parsed.
    """
    named: dict[Path, Identity | str] = {}
    missing = unread = 0
    for table in sorted(folder.rglob("*.csv")):
        rows = _rows(table)
        identities = [parse_cnmc_name(Path(row["Patient_ID"] or "")) for row in rows]
        codes = [CODES.get((row["labels"] or "").strip()) for row in rows]
        agree = [identity[0] == code for identity, code in zip(identities, codes) if identity and code]
        if agree and not any(agree):
            raise DataError(f"{table}: no label agrees with its name. 1 must stand for `all` and 0 for `hem`.")
        below = defaultdict(list)
        for path in images:
            if path.is_relative_to(table.parent):
                below[path.stem].append(path)
        for row, identity, code in zip(rows, identities, codes):
            paths = below[Path(row["new_names"] or "").stem]
            unread += identity is None
            missing += not paths
            if identity:
                for path in paths:
                    named[path] = _named_by_row(table, row, identity, code, len(paths), named.get(path))
    return named, (missing, unread)


def _named_by_row(
    table: Path,
    row: Mapping[str, str],
    identity: Identity,
    code: str | None,
    images: int,
    earlier: Identity | str | None,
) -> Identity | str:
    """Return label and patient of an image by a row, or the reason to reject the image."""
    if images > 1:
        return f"its row in {table.name} fits {images} images: give each another name"
    result: Identity | str = identity
    if identity[0] != code:
        words = f"{row['Patient_ID']} with label {row['labels']}"
        result = f"its row in {table.name} contradicts itself: {words}; mend the row"
    return result if earlier in (None, result) else f"two rows of {table.name} contradict each other: mend them"


def _rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV in C-NMC's form; none of any other."""
    try:
        rows = read_csv(table)
    except csv.Error:
        return []
    return rows if rows and rows[0].keys() >= CSV_COLUMNS else []


def write_cells(path: Path, cells: Iterable[Cell]) -> Path:
    """Write cells.csv, with the column `pseudo` only if a cell has one."""
    rows = [asdict(cell) for cell in cells]
    pseudo = any(row["pseudo"] is not None for row in rows)
    names = [column.name for column in fields(Cell) if pseudo or column.name != "pseudo"]
    return write_csv(path, names, ({name: row[name] for name in names} for row in rows))


def read_cells(path: Path) -> tuple[Cell, ...]:
    """Read cells.csv."""
    rows = read_csv(path)
    pseudo = [row.pop("pseudo", "") for row in rows]
    cells = (Cell(**row, pseudo=float(text) if text else None) for row, text in zip(rows, pseudo))
    return tuple(replace(cell, patient=patient_name(cell.patient)) for cell in cells)


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return the images among files, folders and patterns (`cells/*.bmp`, if the shell leaves one unexpanded).

    They come in the order of `paths`, sorted within a folder or a pattern.

    Raises
    ------
    DataError
        If a folder holds no image, if no file matches a pattern, or if there is no path.
    """
    images: list[Path] = []
    for path in paths:
        if not path.exists() and has_magic(str(path)):
            inside = sorted(map(Path, glob(str(path), recursive=True)))
            if not inside:
                raise DataError(f"no file matches {path}.")
        else:
            inside = _images_below(path) if path.is_dir() else [path]
        if not inside:
            raise DataError(f"{path} holds no images ({', '.join(SUFFIXES)}).")
        images += inside
    if not images:
        raise DataError("no image was named: name files or folders.")
    return images
