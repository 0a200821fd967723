"""Cells: images with label and patient, as they are listed, and as cells.csv keeps them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from glob import glob, has_magic
from pathlib import Path

from leukemia_tf.core.errors import DamagedFileError, DataError
from leukemia_tf.core.files import read_csv, write_csv
from leukemia_tf.data.folder_files import list_files
from leukemia_tf.data.integrity import READ
from leukemia_tf.data.patient_names import patient_name

log = logging.getLogger(__name__)

LABELS = ("hem", "all")  # the index is the class: all = leukemic = positive = 1
CODES = {"0": "hem", "1": "all"}  # in tables


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
class Note:
    """A sentence on how a folder was read; a warning if something there may be amiss."""

    path: str  # relative to the data folder, or a file's name
    reason: str
    warning: bool = False


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
    notes: tuple[Note, ...] = ()  # on what was taken for labels and patients, and what was passed over


def write_cells(path: Path, cells: Iterable[Cell]) -> Path:
    """Write cells.csv, with the column `pseudo` only if a cell has one."""
    rows = [asdict(cell) for cell in cells]
    pseudo = any(row["pseudo"] is not None for row in rows)
    names = [column.name for column in fields(Cell) if pseudo or column.name != "pseudo"]
    return write_csv(path, names, ({name: row[name] for name in names} for row in rows))


def read_cells(path: Path) -> tuple[Cell, ...]:
    """Read cells.csv.

    Raises
    ------
    DamagedFileError
        If it is no such table.
    """
    rows = read_csv(path, ("path", "label", "patient"))
    try:
        pseudo = [float(row["pseudo"]) if row.get("pseudo") else None for row in rows]
    except ValueError as error:
        raise DamagedFileError(path, str(error)) from None
    names = [column.name for column in fields(Cell) if column.name != "pseudo"]
    cells = (Cell(**{name: row.get(name) or "" for name in names}, pseudo=value) for row, value in zip(rows, pseudo))
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
            raise DataError(f"{path} holds no images ({', '.join(READ)}).")
        images += inside
    if not images:
        raise DataError("no image was named: name files or folders.")
    return images


def _images_below(folder: Path) -> list[Path]:
    """Return a folder's images, and log how many are passed over."""
    files = list_files(folder)
    if files.hidden:
        log.warning("%s: %s", folder, files.passed_over(folder))  # standard output may be a table
    return list(files.images)
