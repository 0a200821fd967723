"""The rows of a table of patients and the images that they name."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.integrity import SUFFIXES
from leukemia_tf.data.label_words import EXAMPLE, LabelWords
from leukemia_tf.data.origins import Origin
from leukemia_tf.data.patient_table import LABEL, PatientTable, TableRow

Parts = tuple[str, ...]  # of a path, in lower case
Place = tuple[Parts, Path]  # a path that an image is named by, and the image


def match_rows(
    table: PatientTable,
    folder: Path,
    images: Sequence[Path],
    words: LabelWords,
    origins: Mapping[Path, Origin] | None = None,
) -> dict[Path, list[TableRow]]:
    """Return the rows of each image that the table names: by path, by file name, or by file name without its ending.

    A segmented cell is named by the picture that it was cut out of, too (`origins`): all cells of it have that row.

    Raises
    ------
    DataError
        If a row fits several images, two rows of one image differ, or a label stands for no class.
    """
    _check_values(table, words)
    places = _places(folder, images, origins or {})
    found: dict[Path, list[TableRow]] = {}
    for row in table.rows:
        fitting = _fitting(_parts(row.image), places)
        if len({name for name, _ in fitting}) > 1:
            some = ", ".join(image.relative_to(folder).as_posix() for _, image in fitting[:2])
            raise DataError(
                f"{table.path}, row {row.number}: `{row.image}` fits {len(fitting)} images ({some}): write its path "
                f"below {folder}, with folders."
            )
        for _, image in fitting:
            found.setdefault(image, []).append(row)
    for rows in found.values():
        _check_alike(table, rows)
    return found


def _places(folder: Path, images: Sequence[Path], origins: Mapping[Path, Origin]) -> dict[str, list[Place]]:
    """Return the paths that images are named by, by the last part without its ending."""
    places: dict[str, list[Place]] = {}
    for image in images:
        names = [image.relative_to(folder).as_posix(), *([origins[image].source] if image in origins else [])]
        for name in names:
            parts = _parts(name)
            places.setdefault(_stem(parts[-1]), []).append((parts, image))
    return places


def _check_values(table: PatientTable, words: LabelWords) -> None:
    """Stop at labels that stand for no class."""
    unknown = [row for row in table.rows if row.label and words.of_value(row.label) is None]
    if unknown:
        values = list(dict.fromkeys(repr(row.label) for row in unknown))
        raise DataError(
            f"{table.path}, row {unknown[0].number}: {', '.join(values[:10])} in column `{table.columns[LABEL]}` stand "
            f"for no class ({len(unknown):,} rows): map them, as in `{EXAMPLE}`; `labels=none=NAMES` leaves images out."
        )


def _check_alike(table: PatientTable, rows: Sequence[TableRow]) -> None:
    first = rows[0]
    for row in rows[1:]:
        if (row.patient, row.label) != (first.patient, first.label):
            raise DataError(
                f"{table.path}, rows {first.number} and {row.number}: two rows for {row.image}, with {_said(first)} "
                f"and {_said(row)}: remove the wrong one."
            )


def _said(row: TableRow) -> str:
    return f"patient {row.patient}" + (f" and label {row.label}" if row.label else "")


def _fitting(wanted: Parts, places: Mapping[str, list[Place]]) -> list[Place]:
    """Return the places that a row's path fits; those with the same ending alone, if there are any."""
    candidates = [
        (parts[-1] == wanted[-1], len(parts) == len(wanted), (parts, image))
        for parts, image in places.get(_stem(wanted[-1]), [])
        if all(one == other for one, other in zip(reversed(parts[:-1]), reversed(wanted[:-1])))
    ]
    if not candidates and len(wanted) > 1 and wanted[0][-1:] in ("", ":"):  # an absolute path, on another computer
        return _fitting(wanted[-1:], places)
    for exact in ((True, True), (True,), ()):
        some = [place for *kind, place in candidates if tuple(kind[: len(exact)]) == exact]
        if some:
            return some
    return []


def _parts(path: str) -> Parts:
    parts = re.split(r"[/\\]+", unicodedata.normalize("NFC", path).casefold())
    return tuple(part.strip() for part in parts if part.strip() != ".")


def _stem(name: str) -> str:
    stem, ending = os.path.splitext(name)
    return stem if ending in SUFFIXES else name
