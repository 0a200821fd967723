"""Rows of a table as people save them: CSV with any separator and encoding, or an Excel sheet."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from leukemia_tf.core.errors import DataError

EXCEL = (".xlsx", ".xlsm")
SEPARATORS = (",", ";", "\t", "|")
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
PEEKED = 65536  # bytes
HEADER_ROWS = 10  # among which the names of the columns are looked for

NumberedRow = tuple[int, list[str]]  # the row's number in the file, from 1, and its cells


def read_sheets(path: Path) -> dict[str, list[NumberedRow]]:
    """Read a table: its rows by sheet; a CSV has one sheet, without a name. Empty rows are left out.

    Raises
    ------
    DataError
        If it cannot be read as a table.
    """
    try:
        if path.suffix.lower() in EXCEL:
            return _excel_sheets(path)
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: name a CSV or .xlsx file.") from None
    if content.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path} is a spreadsheet, but no .xlsx file: save it as .xlsx or CSV.")
    return {"": list(_csv_rows(decode_text(content)))}


def first_rows(path: Path) -> list[NumberedRow]:
    """Return the first rows of a CSV, to see its columns; none if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return list(_csv_rows(decode_text(stream.read(PEEKED))))[:HEADER_ROWS]
    except (OSError, csv.Error):
        return []


def decode_text(content: bytes) -> str:
    """Decode a text file: UTF-8 or UTF-16, with a byte order mark or without, else Windows' Western encoding."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    if content[1:200:2].count(0) > len(content[1:200:2]) / 2:
        return content.decode("utf-16-le", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _csv_rows(text: str) -> Iterator[NumberedRow]:
    lines = text.splitlines(keepends=True)
    named = lines[0].strip().strip('"') if lines else ""
    first = named.startswith("sep=") and len(named) == 5  # Excel's own line on the separator
    separator = named[-1] if first else _separator(lines)
    reader = csv.reader(lines[first:], delimiter=separator, skipinitialspace=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num + first, [cell.strip() for cell in cells]


def _separator(lines: Sequence[str]) -> str:
    """Return the separator by which the first rows have the most columns in common."""
    full = [line for line in lines if line.strip()][:HEADER_ROWS]

    def columns(separator: str) -> int:
        counts = [len(cells) for cells in csv.reader(full, delimiter=separator, skipinitialspace=True)]
        return max((count for count in counts if counts.count(count) * 2 >= len(counts)), default=1)

    return max(SEPARATORS, key=columns)


def _excel_sheets(path: Path) -> dict[str, list[NumberedRow]]:
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise DataError(f"{path}: Excel files need openpyxl: run `pip install openpyxl`, or save it as CSV.") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats and validations, which are not read
            book = openpyxl.load_workbook(path, data_only=True)
    except (BadZipFile, KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read as an Excel file ({error}): save it as .xlsx or CSV.") from None
    return {sheet.title: list(_sheet_rows(sheet)) for sheet in book.worksheets}


def _sheet_rows(sheet: Any) -> Iterator[NumberedRow]:
    merged = {
        (row, column): sheet.cell(block.min_row, block.min_col).value
        for block in sheet.merged_cells.ranges
        for row in range(block.min_row, block.max_row + 1)
        for column in range(block.min_col, block.max_col + 1)
    }
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        values = [_text(merged.get((number, column), value)) for column, value in enumerate(cells, start=1)]
        if any(values):
            yield number, values


def _text(value: object) -> str:
    """Return a cell's value as text; a whole number has no point."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat(" ") if isinstance(value, datetime) else str(value).strip()


def find_header(rows: Sequence[NumberedRow], is_header: Callable[[Sequence[str]], bool]) -> int | None:
    """Return the place of the row of column names among the first ones, or None."""
    return next((place for place, (_, cells) in enumerate(rows[:HEADER_ROWS]) if is_header(cells)), None)
