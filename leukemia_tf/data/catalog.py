"""Which cells there are: path, label and patient of every image, from folders, names and C-NMC's CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from tqdm import tqdm

from leukemia_tf.data.integrity import SUFFIXES, pixel_hash, read_image
from leukemia_tf.errors import DataError
from leukemia_tf.files import read_csv, write_csv
from leukemia_tf.run import is_explanation

LABELS = ("hem", "all")  # the index is the class: all = leukemic = positive = 1
NAME = re.compile(r"UID_(?P<patient>[Hh]?\d+)_.*_(?P<label>all|hem)", re.IGNORECASE)
CSV_COLUMNS = {"Patient_ID", "new_names", "labels"}


@dataclass(frozen=True)
class Cell:
    """One image of one segmented white blood cell; a row of cells.csv."""

    path: str  # relative to the data folder, with forward slashes
    label: str  # `all`, `hem`, or empty where unknown
    patient: str
    sha256: str = ""  # of the decoded pixels
    split: str = ""  # `train`, `val`, `test`, or empty


@dataclass(frozen=True)
class Catalog:
    """The cells of a folder, and what was found beside them."""

    folder: Path
    cells: tuple[Cell, ...]
    unlabelled: tuple[str, ...] = ()  # images without a label: only for predict
    rows_without_image: int = 0  # rows of a CSV that name no image here


def read_catalog(folder: Path) -> Catalog:
    """Read which labelled cells lie below a folder.

    Understands C-NMC's download (training folds; numbered preliminary images named by their CSV;
    unlabelled final images), any folder of names like `UID_11_10_1_all.bmp`, and a plain tree of `all/` and `hem/`
    with a folder a patient, as in `all/P07/cell-1.png`.

    Raises
    ------
    DataError
        If there is no such folder, no labelled image in it, one class only, or a patient cannot be told.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Name a folder of cells with --data or LEUKEMIA_TF_DATA.")
    images = _images_below(folder)
    if not images:
        raise DataError(f"{folder} holds no images ({', '.join(SUFFIXES)}): name a folder of cells with --data.")
    named, missing = _named_by_csv(folder, images)
    found = [(path, named.get(path) or _told_by_path(path, folder)) for path in images]
    cells = tuple(Cell(path.relative_to(folder).as_posix(), *told) for path, told in found if told)
    unlabelled = tuple(path.relative_to(folder).as_posix() for path, told in found if not told)
    for label in LABELS:
        if not any(cell.label == label for cell in cells):
            raise DataError(
                f"{folder} holds no image labelled `{label}` ({len(cells)} labelled images in all): both classes are "
                "needed, in folders named all/ and hem/ or as in C-NMC's download."
            )
    return Catalog(folder, cells, unlabelled, missing)


def told_by_name(path: Path) -> tuple[str, str] | None:
    """Return label and patient by a name in C-NMC's form, such as `UID_h3_4_1_hem.bmp`: (`hem`, `H3`); else None."""
    match = NAME.fullmatch(path.stem)
    return (match["label"].lower(), match["patient"].upper()) if match else None


def _told_by_path(path: Path, folder: Path) -> tuple[str, str] | None:
    """Return label and patient by the folder's and the file's name, or None where there is no label."""
    above = path.relative_to(folder.parent).parent.parts
    level = next((i for i in range(len(above) - 1, -1, -1) if above[i].lower() in LABELS), None)
    if level is None:
        return told_by_name(path)
    label = above[level].lower()
    told = told_by_name(path)
    if told:
        if told[0] != label:
            raise DataError(f"{path}: its name says `{told[0]}`, its folder `{label}`; put it where it belongs.")
        return told
    if level + 1 < len(above):
        return label, above[level + 1]
    raise DataError(
        f"{path}: its patient cannot be told. Name it like UID_11_10_1_all{path.suffix}, or put each patient's "
        f"cells into a folder of their own: {label}/PATIENT/{path.name}"
    )


def _images_below(folder: Path) -> list[Path]:
    """Return a folder's images, sorted, without the pictures that explain them."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not is_explanation(path))
    return sorted(path for path in found if path.is_file())


def _named_by_csv(folder: Path, images: list[Path]) -> tuple[dict[Path, tuple[str, str]], int]:
    """Return label and patient of the images that a CSV in C-NMC's form names, and its rows without image."""
    named: dict[Path, tuple[str, str]] = {}
    missing = 0
    for table in sorted(folder.rglob("*.csv")):
        rows = read_csv(table)
        if not rows or not rows[0].keys() >= CSV_COLUMNS:
            continue
        below = {path.stem: path for path in images if path.is_relative_to(table.parent)}
        for row in rows:
            path = below.get(Path(row["new_names"]).stem)
            if path is None:
                missing += 1
                continue
            told = told_by_name(Path(row["Patient_ID"]))
            if not told or told[0] != {"0": "hem", "1": "all"}.get(row["labels"].strip()):
                raise DataError(f"{table}: the row of {row['new_names']} contradicts itself: {dict(row)}")
            named[path] = told
    return named, missing


def hash_cells(catalog: Catalog) -> tuple[Cell, ...]:
    """Read every labelled image once, check it, and return the cells with their pixels' SHA-256.

    Raises
    ------
    BadImageError
        At the first image, in the catalog's order, that cannot be used.
    """

    def hashed(cell: Cell) -> Cell:
        _, pixels = read_image(catalog.folder / cell.path)
        return replace(cell, sha256=pixel_hash(pixels))

    with ThreadPoolExecutor() as pool:
        results = pool.map(hashed, catalog.cells)
        return tuple(tqdm(results, total=len(catalog.cells), desc="reading cells", unit="cell", leave=False))


def write_cells(path: Path, cells: Iterable[Cell]) -> Path:
    """Write cells.csv."""
    return write_csv(path, [column.name for column in fields(Cell)], map(asdict, cells))


def read_cells(path: Path) -> tuple[Cell, ...]:
    """Read cells.csv."""
    return tuple(Cell(**row) for row in read_csv(path))


def find_images(paths: Iterable[Path]) -> list[Path]:
    """Return the images among files and folders, in the order asked; a folder gives its images sorted.

    Raises
    ------
    DataError
        If a folder holds no image, or nothing was asked for.
    """
    found: list[Path] = []
    for path in paths:
        inside = _images_below(path) if path.is_dir() else [path]
        if not inside:
            raise DataError(f"{path} holds no images ({', '.join(SUFFIXES)}).")
        found += inside
    if not found:
        raise DataError("no image was named: name files or folders.")
    return found
