"""C-NMC's labels CSV: rows that give numbered images their name in C-NMC's form, and so patient and label."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.cnmc import parse_cnmc_name
from leukemia_tf.data.label_words import LabelWords
from leukemia_tf.data.patient_table import TableRow
from leukemia_tf.data.tables import first_rows, read_sheets

CSV_COLUMNS = ("new_names", "Patient_ID", "labels")
Identity = tuple[str, str]  # label and patient


@dataclass
class NamedImages:
    """What the rows of C-NMC's labels CSVs say.

    Parameters
    ----------
    identities : dict
        Label and patient of each image that a row names, or the reason to reject it.
    missing, unread : int
        Numbers of rows without an image here, and of rows that cannot be parsed.
    """

    identities: dict[Path, Identity | str] = field(default_factory=dict)
    missing: int = 0
    unread: int = 0

    def add(self, table: Path, root: Path, rows: Sequence[TableRow], images: Sequence[Path], words: LabelWords) -> None:
        """Add the rows of a table, which name images below `root`.

        Raises
        ------
        DataError
            If its labels are reversed.
        """
        names = [parse_cnmc_name(Path(row.patient)) for row in rows]
        codes = [words.of_value(row.label) for row in rows]
        agree = [name[0] == code for name, code in zip(names, codes) if name and code]
        if agree and not any(agree):
            raise DataError(f"{table}: no label agrees with its name. 1 must stand for `all` and 0 for `hem`.")
        below = defaultdict(list)
        for path in images:
            if path.is_relative_to(root):
                below[path.stem].append(path)
        for row, name, code in zip(rows, names, codes):
            paths = below[Path(row.image).stem]
            self.unread += name is None
            self.missing += not paths
            for path in paths if name else ():
                self.identities[path] = self._identity(table, row, name or ("", ""), code, len(paths), path)

    def _identity(
        self, table: Path, row: TableRow, name: Identity, code: str | None, images: int, path: Path
    ) -> Identity | str:
        """Return label and patient of an image by a row, or the reason to reject the image."""
        if images > 1:
            return f"its row in {table.name} fits {images} images: give each another name"
        result: Identity | str = name
        if name[0] != code:
            words = f"{row.patient} with label {row.label}"
            result = f"its row in {table.name} contradicts itself: {words}; mend the row"
        if self.identities.get(path) in (None, result):
            return result
        return f"two rows of {table.name} contradict each other: mend them"


def cnmc_rows(table: Path) -> list[TableRow]:
    """Return the rows of a CSV in C-NMC's form; none of any other."""
    first = first_rows(table)
    if not first or not set(CSV_COLUMNS) <= set(first[0][1]):
        return []
    try:
        (rows,) = read_sheets(table).values()
    except csv.Error as error:
        raise DataError(f"{table} cannot be read as CSV ({error}): save it anew.") from None
    places = [rows[0][1].index(name) for name in CSV_COLUMNS]
    return [TableRow(number, *(cells[p] if p < len(cells) else "" for p in places)) for number, cells in rows[1:]]
