"""Pseudo-labels: training cells whose label is a network's prediction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukemia_tf.core.errors import DamagedFileError, DataError
from leukemia_tf.data.catalog import LABELS, Cell, read_cells
from leukemia_tf.data.cell_views import unroll
from leukemia_tf.data.cnmc import parse_cnmc_name, with_doubles
from leukemia_tf.data.fingerprints import Fingerprints, as_fingerprints, find_copies, name_copies
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.patient_groups import names_of_patients
from leukemia_tf.data.splits import PARTS

log = logging.getLogger(__name__)


def pseudo_labelled(
    cells: Sequence[Cell], probabilities: np.ndarray, soft: bool, confidence: float, balanced: bool
) -> list[Cell]:
    """Label cells by a network's predictions, where its confidence suffices.

    Parameters
    ----------
    cells : sequence of Cell
        Whose label is unknown or not used, [n].
    probabilities : numpy.ndarray
        float [n], of `all`.
    soft : bool
        Whether the training target is the probability, or just the label.
    confidence : float
        Least probability of the likelier label, 0.5-1.
    balanced : bool
        Whether as many of either label are taken, those of the highest confidence first.

    Returns
    -------
    list of Cell
        Training cells, in their order.
    """
    labels = (probabilities >= 0.5).astype(int)
    confidences = np.maximum(probabilities, 1 - probabilities)
    taken = np.flatnonzero(confidences >= confidence)
    if balanced:
        by_class = [taken[labels[taken] == label] for label in range(len(LABELS))]
        count = min(map(len, by_class))
        ranked = [rows[np.argsort(-confidences[rows], kind="stable")] for rows in by_class]
        taken = np.sort(np.concatenate([rows[:count] for rows in ranked]))
    targets = probabilities if soft else labels
    return [
        replace(cells[index], label=LABELS[labels[index]], split="train", pseudo=float(targets[index]))
        for index in taken.tolist()
    ]


def join_pseudo_labelled(
    folder: Path,
    cells: Sequence[Cell],
    fingerprints: Fingerprints,
    patient_groups: Sequence[Sequence[str]],
    path: Path,
    cnmc_patients: Collection[str] = (),
) -> tuple[tuple[Cell, ...], Fingerprints]:
    """Add the cells of a file of pseudo-labels to the training cells.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    cells : sequence of Cell
        With hash and part.
    fingerprints : Fingerprints
        Of these cells.
    patient_groups : sequence of sequence of str
        As from `list_patient_groups`.
    path : pathlib.Path
        In the form of cells.csv; its rows with a `pseudo` are taken. Their paths are relative to `folder`, or absolute.
    cnmc_patients : collection of str
        Whose other names in C-NMC are theirs, too.

    Returns
    -------
    tuple
        All cells, and their fingerprints.

    Raises
    ------
    DataError
        If the file has none, a picture is not the one that was labelled, its patient is one of validation or test, or
        it is a near-duplicate of one of their cells.
    """
    labelled = _read_labelled(path)
    held_out = [cell for cell in cells if cell.split in PARTS[1:]]
    by_path = {cell.path: cell for cell in cells}
    further = _read_further(folder, [cell for cell in labelled if cell.path not in by_path], path)
    fingerprints = fingerprints.joined(further)
    names, pictures = _held_out_names(held_out, patient_groups, cnmc_patients), {cell.sha256 for cell in held_out}
    for cell in labelled:
        known = by_path.get(cell.path)
        double = parse_cnmc_name(Path(cell.path)) and cell.patient in names["double"]
        leaks = cell.sha256 in pictures or (known and known.split in PARTS[1:])
        if leaks or double or cell.patient in names["patient"]:
            raise DataError(f"leak: {path} labels {cell.path}, of a validation or test patient: take it out.")
        if known and known.sha256 != cell.sha256:
            raise DataError(f"{folder / cell.path} is not the picture that {path} labels: put it back.")
    _check_copies(labelled, held_out, fingerprints, path)
    log.info("%d of the training cells have a pseudo-label", len(labelled))
    replaced = {cell.path for cell in labelled}
    return (*(cell for cell in cells if cell.path not in replaced), *labelled), fingerprints


def _read_labelled(path: Path) -> list[Cell]:
    try:
        labelled = {cell.path: cell for cell in read_cells(path) if cell.pseudo is not None}
    except DamagedFileError as error:
        raise DataError(f"{path} has no pseudo-labels ({error.reason}): it takes a file of `noisy_student`.") from None
    if not labelled:
        raise DataError(f"{path} has no pseudo-labels: it takes a file of `noisy_student`, with a column `pseudo`.")
    return list(labelled.values())


def _read_further(folder: Path, cells: Sequence[Cell], path: Path) -> Fingerprints:
    """Read the pictures that the data folder's catalog does not have."""
    pairs = []
    for cell in cells:
        pixels = read_image(folder / cell.path)[1]
        if pixel_hash(pixels) != cell.sha256:
            raise DataError(f"{folder / cell.path} is not the picture that {path} labels: put it back.")
        pairs.append((cell.sha256, unroll(pixels)))
    return as_fingerprints(pairs)


def _held_out_names(
    held_out: Sequence[Cell], patient_groups: Sequence[Sequence[str]], cnmc_patients: Collection[str]
) -> Mapping[str, set[str]]:
    """Return all names of the held-out patients, and those that only C-NMC's full set gives them."""
    patients = names_of_patients(held_out, patient_groups)
    return {"patient": patients, "double": with_doubles(patients & set(cnmc_patients))}


def _check_copies(labelled: Sequence[Cell], held_out: Sequence[Cell], fingerprints: Fingerprints, path: Path) -> None:
    copies = find_copies(labelled, fingerprints, held_out, fingerprints)
    if copies:
        raise DataError(
            f"leak: {path} labels {len(copies):,} near-duplicates of validation or test cells, such as "
            f"{name_copies(copies)}: take them out."
        )
