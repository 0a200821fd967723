"""The table of `patients`: for each image its patient, and its label if it has such a column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import write_csv
from leukemia_tf.data.cnmc import parse_cnmc_name
from leukemia_tf.data.label_words import normalized, without_point
from leukemia_tf.data.tables import NumberedRow, find_header, first_rows, read_sheets

IMAGE, PATIENT, LABEL = "image", "patient", "label"
COLUMNS = {  # by normalised name, the most telling first
    IMAGE: (
        *("image", "images", "image name", "image id", "image file", "filename", "file name", "file", "path"),
        *("image path", "file path", "filepath", "new names", "picture", "img", "photo", "cell", "cell id", "name"),
    ),
    PATIENT: ("patient", "patients", "patient id", "patientid", "patient name", "subject", "subject id", "case"),
    LABEL: ("label", "labels", "class", "classes", "diagnosis", "category", "target"),
}
MORE_PATIENTS = ("case id", "person", "person id", "donor", "donor id", "pid", "mrn")
EMPTY = {"", "nan", "na", "n/a", "#n/a", "none", "null", "-", "?"}


@dataclass(frozen=True)
class TableRow:
    """One row: an image, its patient and its label, as they are written; the label is empty if there is none."""

    number: int
    image: str
    patient: str
    label: str = ""


@dataclass(frozen=True)
class PatientTable:
    """A table of patients.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    columns : mapping
        The names of the columns that were taken, by what they hold.
    rows : tuple of TableRow
        In order.
    """

    path: Path
    columns: Mapping[str, str]
    rows: tuple[TableRow, ...]

    @property
    def is_cnmc(self) -> bool:
        """Whether the patients are written as C-NMC's file names, which name the label too."""
        return all(parse_cnmc_name(Path(row.patient)) for row in self.rows)

    def __str__(self) -> str:
        taken = ", ".join(f"{what}: `{name}`" for what, name in self.columns.items())
        return f"{len(self.rows):,} rows (columns {taken})"


def read_patient_table(path: Path) -> PatientTable:
    """Read a table of patients.

    Raises
    ------
    DataError
        If it is no table, has no columns for image and patient, or a row lacks one of the two.
    """
    try:
        sheets = read_sheets(path)
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as CSV ({error}): save it anew, or as .xlsx.") from None
    tables = {name: table for name, rows in sheets.items() if (table := _table(path, rows))}
    if len(tables) > 1:
        raise DataError(f"{path} has such a table in several sheets ({', '.join(tables)}): leave one.")
    if not tables:
        header = next((", ".join(filter(None, rows[0][1])) for rows in sheets.values() if rows), "none")
        raise DataError(
            f"{path} has no columns for image and patient (its first row: {header}): name two columns `image` and "
            "`patient`, and a third `label` if the folders do not say."
        )
    (table,) = tables.values()
    if not table.rows:
        raise DataError(f"{path} has no row below its column names.")
    return table


def looks_like_patients(path: Path) -> bool:
    """Return whether a CSV has columns for image and patient, so that it may be meant as `patients`."""
    return _header(first_rows(path)) is not None


def write_patient_table(path: Path, table: PatientTable) -> Path:
    """Write a table's rows as CSV, for a run to keep."""
    rows = ({IMAGE: row.image, PATIENT: row.patient, LABEL: row.label} for row in table.rows)
    return write_csv(path, (IMAGE, PATIENT, LABEL), rows)


def _table(path: Path, rows: Sequence[NumberedRow]) -> PatientTable | None:
    """Return a sheet as a table, or None if it has no such columns."""
    place = _header(rows)
    if place is None:
        return None
    header = rows[place][1]
    columns = _columns(header)
    read = [
        TableRow(number, *(_cell(cells, columns.get(what)) for what in (IMAGE, PATIENT, LABEL)))
        for number, cells in rows[place + 1 :]
    ]
    for row in read:
        if not row.image or not row.patient:
            what, other = ("image", row.patient) if not row.image else ("patient", row.image)
            raise DataError(f"{path}, row {row.number}: it names no {what} (beside {other}): fill it in, or remove it.")
    names = {what: header[index] for what, index in columns.items()}
    return PatientTable(path, names, tuple(_without_points(read)))


def _header(rows: Sequence[NumberedRow]) -> int | None:
    return find_header(rows, lambda cells: {IMAGE, PATIENT} <= set(_columns(cells)))


def _columns(header: Sequence[str]) -> dict[str, int]:
    """Return the index of the column for image, patient and label, by their names."""
    words = [normalized(name) for name in header]
    found: dict[str, int] = {}
    for what, names in (*COLUMNS.items(), (PATIENT, MORE_PATIENTS)):
        index = next((words.index(name) for name in names if name in words), None)
        if index is not None:
            found.setdefault(what, index)
    return found


def _cell(cells: Sequence[str], index: int | None) -> str:
    text = cells[index] if index is not None and index < len(cells) else ""
    return "" if text.casefold() in EMPTY else text


def _without_points(rows: Sequence[TableRow]) -> Iterator[TableRow]:
    """Take off the `.0` that pandas adds to whole numbers, in a column of such numbers alone."""
    names = [n for n in (IMAGE, PATIENT) if all(without_point(getattr(r, n)) != getattr(r, n) for r in rows)]
    for row in rows:
        whole: dict[str, Any] = {name: without_point(getattr(row, name)) for name in names}
        yield replace(row, **whole)
