"""What was taken for labels and patients, and what was passed over, in sentences; and what a mapping names in vain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import LABELS, Note
from leukemia_tf.data.folder_files import FolderFiles
from leukemia_tf.data.folder_labels import FolderLabels
from leukemia_tf.data.label_words import LabelWords, normalized, without_point
from leukemia_tf.data.patient_table import PatientTable, TableRow, looks_like_patients

LISTED = 3  # rows in a sentence


def reading_notes(
    folder: Path,
    files: FolderFiles,
    unused: Sequence[Path],
    labels: FolderLabels,
    words: LabelWords,
    table: PatientTable | None,
    rows: Mapping[Path, list[TableRow]],
) -> tuple[Note, ...]:
    """Return sentences on how a folder was read; none on C-NMC's download.

    Raises
    ------
    DataError
        If the mapping of labels names what is not there.
    """
    _check_mapped(folder, files, words, table)
    notes = [*_of_labels(folder, labels), *_of_files(folder, files)]
    if table:
        notes.append(Note(table.path.name, f"patients by {table}"))
        notes += _of_rows(table, rows) if not table.is_cnmc else ()
    else:
        notes += _of_unused_tables(folder, unused)
    return tuple(notes)


def _check_mapped(folder: Path, files: FolderFiles, words: LabelWords, table: PatientTable | None) -> None:
    names = {part for image in files.images for part in image.relative_to(folder).parent.parts}
    values = {row.label for row in table.rows if row.label} if table else set()
    missing = set(words.mapped) - {normalized(name) for name in names | values}
    missing -= {without_point(normalized(value)) for value in values}
    if missing:
        there = sorted(names | values)
        shown = ", ".join(there[:10]) + (", …" if len(there) > 10 else "")
        places = f"no folder below {folder}" + (f" and no label in {table.path}" if table else "")
        raise DataError(f"`labels`: {places} is named {', '.join(sorted(missing))}; there are {shown or 'none'}.")


def _of_labels(folder: Path, labels: FolderLabels) -> Iterator[Note]:
    spelt = labels.spelt()
    if any(name.lower() not in LABELS for label in LABELS for name in spelt.get(label, ())):
        parts = "; ".join(f"{', '.join(names)}: `{label}`" for label, names in sorted(spelt.items()))
        yield Note(folder.name, f"labels by folder: {parts}")


def _of_files(folder: Path, files: FolderFiles) -> Iterator[Note]:
    passed = files.passed_over(folder)
    if passed:
        yield Note(files.hidden[0].relative_to(folder).as_posix(), passed, warning=True)
    if files.others:
        kinds = ", ".join(f"{ending} {count:,}" for ending, count in files.others.most_common(10))
        yield Note(folder.name, f"files passed over, which are no images: {files.others.total():,} ({kinds})")


def _of_rows(table: PatientTable, rows: Mapping[Path, list[TableRow]]) -> Iterator[Note]:
    matched = {row.number for group in rows.values() for row in group}
    without = [row for row in table.rows if row.number not in matched]
    if without:
        some = ", ".join(f"row {row.number}: {row.image}" for row in without[:LISTED])
        more = ", …" if len(without) > LISTED else ""
        yield Note(table.path.name, f"rows of images that are not here: {len(without):,} ({some}{more})", warning=True)
    repeated = [group for group in rows.values() if len(group) > 1]
    if repeated:
        some = "; ".join(
            f"rows {' and '.join(str(row.number) for row in group)}: {group[0].image}" for group in repeated[:LISTED]
        )
        sentence = f"images with two equal rows: {len(repeated):,} ({some}); they count once, remove the second row"
        yield Note(table.path.name, sentence, warning=True)


def _of_unused_tables(folder: Path, unused: Sequence[Path]) -> Iterator[Note]:
    for path in unused:
        if looks_like_patients(path):
            name = path.relative_to(folder).as_posix()
            yield Note(name, f"it has columns for image and patient, and is not used: name it by `patients={path}`")
