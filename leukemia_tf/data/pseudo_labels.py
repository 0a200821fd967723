"""Pseudo-labels: training cells whose label is a network's prediction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import LABELS, Cell, read_cells
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.patient_groups import groups_by_patient
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
    folder: Path, cells: Sequence[Cell], patient_groups: Sequence[Sequence[str]], path: Path
) -> tuple[Cell, ...]:
    """Add the cells of a file of pseudo-labels to the training cells.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    cells : sequence of Cell
        With hash and part.
    patient_groups : sequence of sequence of str
        As from `list_patient_groups`.
    path : pathlib.Path
        In the form of cells.csv; its rows with a `pseudo` are taken. Their paths are relative to `folder`, or absolute.

    Raises
    ------
    DataError
        If the file has none, a picture is not the one that was labelled, or its patient is one of validation or test.
    """
    try:
        labelled = {cell.path: cell for cell in read_cells(path) if cell.pseudo is not None}
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(f"{path} has no pseudo-labels ({error}): it takes a file of `noisy_student`.") from None
    if not labelled:
        raise DataError(f"{path} has no pseudo-labels: it takes a file of `noisy_student`, with a column `pseudo`.")
    by_path = {cell.path: cell for cell in cells}
    group_of, held_out = groups_by_patient(patient_groups), [cell for cell in cells if cell.split in PARTS[1:]]
    patients = {name for cell in held_out for name in group_of.get(cell.patient, {cell.patient})}
    pictures = {cell.sha256 for cell in held_out}
    for cell in labelled.values():
        known = by_path.get(cell.path)
        if cell.patient in patients or cell.sha256 in pictures or (known and known.split in PARTS[1:]):
            raise DataError(f"leak: {path} labels {cell.path}, of a validation or test patient: take it out.")
        if (known.sha256 if known else pixel_hash(read_image(folder / cell.path)[1])) != cell.sha256:
            raise DataError(f"{folder / cell.path} is not the picture that {path} labels: put it back.")
    log.info("%d of the training cells have a pseudo-label", len(labelled))
    return (*(cell for cell in cells if cell.path not in labelled), *labelled.values())
