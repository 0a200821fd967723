"""Reading a data folder's catalog: label and patient of every image, from folders, names, tables and a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from leukemia_tf.config.reading import Reading
from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import Catalog, Cell, Note, Rejected, Respelt
from leukemia_tf.data.cnmc import parse_cnmc_name
from leukemia_tf.data.cnmc_tables import NamedImages, cnmc_rows
from leukemia_tf.data.folder_files import FolderFiles, list_files
from leukemia_tf.data.folder_labels import check_folders, is_no_patient, label_folders, question_all
from leukemia_tf.data.identities import Identities
from leukemia_tf.data.integrity import READ
from leukemia_tf.data.label_words import LabelWords, parse_labels
from leukemia_tf.data.origins import is_of_segmented, read_origins
from leukemia_tf.data.patient_names import patient_name, spellings
from leukemia_tf.data.patient_pattern import parse_pattern
from leukemia_tf.data.patient_table import PatientTable, read_patient_table
from leukemia_tf.data.reading_notes import reading_notes
from leukemia_tf.data.table_rows import match_rows


def read_catalog(folder: Path, reading: Reading | None = None) -> Catalog:
    """List the cells below a folder; no image is decoded.

    It reads C-NMC's download (training folds; numbered preliminary images, named by their CSV; unlabelled final
    images), any folder of names like `UID_11_10_1_all.bmp`, and a plain tree of `all/` and `hem/` with one folder per
    patient, as in `all/P07/cell-1.png`.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder. Only folders below it label images.
    reading : Reading, optional
        What else stands for the classes, and a table or a pattern of the patients.

    Raises
    ------
    DataError
        If there is no such folder, no image in it, folders that stand for no class, or a table that cannot be used.
    ArgumentError
        If `reading` cannot be used.
    """
    reading = reading or Reading()
    words, pattern = parse_labels(reading.labels), parse_pattern(reading.patient_pattern)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Name a folder of cells by `data` or LEUKEMIA_TF_DATA.")
    files = list_files(folder)
    if not files.images:
        passed = files.passed_over(folder)
        raise DataError(
            f"{folder} holds no images ({', '.join(READ)}): name a folder of cells by `data`."
            + (f" {passed}." if passed else "")
        )
    given = read_patient_table(reading.patients) if reading.patients else None
    named, unused = _named_by_csv(folder, files, given, words)
    table = None if given is None or given.is_cnmc else given
    origins = read_origins(files.tables)
    rows = match_rows(table, folder, files.images, words, origins) if table else {}
    labels = label_folders((image.relative_to(folder).parent.parts for image in files.images), words)
    catalog = _list(Identities(folder, words, labels, pattern, table, rows, named.identities, origins), files)
    notes = reading_notes(folder, files, unused, labels, words, given, rows)
    notes += _of_both_classes(catalog)
    return replace(catalog, notes=notes, rows_without_image=named.missing, rows_unread=named.unread)


def _of_both_classes(catalog: Catalog) -> tuple[Note, ...]:
    """Return a warning on patients who have cells of both classes."""
    labels: dict[str, dict[str, str]] = {}
    for cell in catalog.cells:
        labels.setdefault(cell.patient, {}).setdefault(cell.label, cell.path)
    both = {patient: paths for patient, paths in labels.items() if len(paths) > 1}
    if not both:
        return ()
    patient, paths = next(iter(both.items()))
    sentence = (
        f"{len(both)} patients have cells of both classes, such as {patient} ({paths['all']}, {paths['hem']}): "
        "right if normal cells of a leukemic patient are among them, wrong if two people share a name"
    )
    return (Note(paths["hem"], sentence, warning=True),)


def find_patients(folder: Path, images: Sequence[Path], reading: Reading | None = None) -> dict[Path, str]:
    """Return the patient of each image without regard to labels: by table, pattern or C-NMC's names; empty if unknown.

    Parameters
    ----------
    folder : pathlib.Path
        That holds the images.
    images : sequence of pathlib.Path
        Below it.
    reading : Reading, optional
        With a table or a pattern of the patients.
    """
    reading = reading or Reading()
    pattern = parse_pattern(reading.patient_pattern)
    table = read_patient_table(reading.patients) if reading.patients else None
    rows = match_rows(table, folder, images, parse_labels(reading.labels)) if table and not table.is_cnmc else {}

    def patient(image: Path) -> str:
        if image in rows:
            return rows[image][0].patient
        if pattern:
            return pattern.patient(image.relative_to(folder))
        return (parse_cnmc_name(image) or ("", ""))[1]

    return {image: patient_name(patient(image)) for image in images}


def patient_of_file(path: Path) -> str:
    """Return a picture's patient by its name in C-NMC's form, or as in `all/PATIENT/1.png`; empty where unknown."""
    named = parse_cnmc_name(path)
    above = path.absolute().parent.parts
    if named:
        return patient_name(named[1])
    below = above[:-1] == label_folders([above], parse_labels(())).folder_of(above)
    return patient_name(above[-1]) if below and not is_no_patient(above[-1]) else ""


def _named_by_csv(
    folder: Path, files: FolderFiles, table: PatientTable | None, words: LabelWords
) -> tuple[NamedImages, list[Path]]:
    """Read the CSVs in C-NMC's form: those in the folder, and the table of `patients` if it is one.

    Returns
    -------
    tuple
        What they say, and the CSVs in the folder that are used for nothing.
    """
    named, unused = NamedImages(), []
    for path in files.tables:
        if table and path.resolve() == table.path.resolve():
            continue
        rows = cnmc_rows(path)
        named.add(path, path.parent, rows, files.images, words)
        unused += [] if rows or is_of_segmented(path) else [path]
    if table and table.is_cnmc:
        root = table.path.resolve().parent
        named.add(table.path, root if root.is_relative_to(folder) else folder, table.rows, files.images, words)
    return named, unused


def _list(identities: Identities, files: FolderFiles) -> Catalog:
    """Return the cells of some images, those without a label, and those to be rejected."""
    cells, unlabelled, rejected = [], [], []
    cnmc = set()
    folder, named = identities.folder, identities.named
    for image in files.images:
        path = image.relative_to(folder).as_posix()
        identity = identities.of(image)
        if identity is None:
            unlabelled.append(image)
        elif isinstance(identity, str):
            rejected.append(Rejected(path, identity))
        else:
            cells.append(Cell(path, *identity))
            if identities.is_named_by_cnmc(image):
                cnmc.add(identity[1])
    left = (image.relative_to(folder).parent.parts for image in unlabelled)
    check_folders(folder, identities.labels, left, labelled=bool(cells or rejected))
    by_folder = [cell for cell in cells if not (cell.patient in cnmc or identities.rows)]
    if by_folder and not any(cell.label == "hem" for cell in cells):
        question_all(folder, identities.labels, identities.words)
    patients = frozenset(cnmc)
    respelt = _respelt(cell for cell in cells if cell.patient not in patients)
    cells = [replace(cell, patient=patient_name(cell.patient)) for cell in cells]
    preliminary = frozenset(image.relative_to(folder).as_posix() for image in named)
    without = tuple(image.relative_to(folder).as_posix() for image in unlabelled)
    return Catalog(folder, tuple(cells), without, tuple(rejected), preliminary, cnmc_patients=patients, respelt=respelt)


def _respelt(cells: Iterable[Cell]) -> tuple[Respelt, ...]:
    """Return the patients with several spellings, each with the first cell of another spelling than the first's."""
    first: dict[str, Cell] = {}
    for cell in cells:
        first.setdefault(cell.patient, cell)
    return tuple(Respelt(patient, first[texts[1]].path) for patient, texts in spellings(first).items())
