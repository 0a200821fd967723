"""Pseudo-labels: training cells whose label a network told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import LABELS, Cell, read_cells
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.splits import PARTS, aliases
from leukemia_tf.errors import DataError

log = logging.getLogger(__name__)


def pseudo_labelled(
    cells: Sequence[Cell], probabilities: np.ndarray, soft: bool, confidence: float, balanced: bool
) -> list[Cell]:
    """Give cells the labels that a network tells, where it is sure enough.

    Parameters
    ----------
    cells : sequence of Cell
        Whose label is not known, or not looked at, [n].
    probabilities : numpy.ndarray
        float [n], of `all`.
    soft : bool
        Whether a training is told the probability, or just the label.
    confidence : float
        Probability of the likelier label from which a cell is taken, 0.5-1.
    balanced : bool
        Whether as many of either label are taken, the surest first.

    Returns
    -------
    list of Cell
        Training cells, in their order.
    """
    labels = (probabilities >= 0.5).astype(int)
    sureness = np.maximum(probabilities, 1 - probabilities)
    taken = np.flatnonzero(sureness >= confidence)
    if balanced:
        of_class = [taken[labels[taken] == label] for label in range(len(LABELS))]
        count = min(map(len, of_class))
        taken = np.sort(np.concatenate([own[np.argsort(-sureness[own], kind="stable")[:count]] for own in of_class]))
    told = probabilities if soft else labels
    return [
        replace(cells[place], label=LABELS[labels[place]], split="train", pseudo=float(told[place])) for place in taken
    ]


def join_pseudo_labelled(
    folder: Path, cells: Sequence[Cell], same: Sequence[Sequence[str]], path: Path
) -> tuple[Cell, ...]:
    """Return split cells with those of a file of pseudo-labels among the training cells.

    Parameters
    ----------
    folder : pathlib.Path
        Where the cells lie.
    cells : sequence of Cell
        With hash and part.
    same : sequence of sequence of str
        Patients who are one.
    path : pathlib.Path
        In the form of cells.csv; its rows with a `pseudo` are taken. Their paths are relative to `folder`, or absolute.

    Raises
    ------
    DataError
        If the file has none, a picture is not the one that was labelled, or one shows a patient who validates or
        judges.
    """
    try:
        found = {cell.path: cell for cell in read_cells(path) if cell.pseudo is not None}
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(f"{path} has no pseudo-labels ({error}): it takes a file of `noisy_student`.") from None
    if not found:
        raise DataError(f"{path} has no pseudo-labels: it takes a file of `noisy_student`, with a column `pseudo`.")
    here = {cell.path: cell for cell in cells}
    alias, held = aliases(same), [cell for cell in cells if cell.split in PARTS[1:]]
    patients = {one for cell in held for one in alias.get(cell.patient, {cell.patient})}
    pictures = {cell.sha256: cell for cell in held}
    for cell in found.values():
        own = here.get(cell.path)
        if cell.patient in patients or cell.sha256 in pictures or (own and own.split in PARTS[1:]):
            raise DataError(f"leak: {path} labels {cell.path}, of a patient who validates or judges: take it out.")
        if (own.sha256 if own else pixel_hash(read_image(folder / cell.path)[1])) != cell.sha256:
            raise DataError(f"{folder / cell.path} is not the picture that {path} labels: put it back.")
    log.info("%d of the training cells have a label that a network told", len(found))
    return (*(cell for cell in cells if cell.path not in found), *found.values())
