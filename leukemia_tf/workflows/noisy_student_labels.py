"""Cells without a label for `noisy_student`, and the labels that a network predicts for them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukemia_tf.config import NoisyStudentConfig, Reading
from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import Catalog, Cell, find_images, read_cells
from leukemia_tf.data.cnmc import with_doubles
from leukemia_tf.data.patient_groups import names_of_patients
from leukemia_tf.data.prepare import Prepared, scan_folder
from leukemia_tf.data.pseudo_labels import pseudo_labelled
from leukemia_tf.data.reading import find_patients
from leukemia_tf.data.scan import Scan, scan
from leukemia_tf.evaluation.predictions import UNLIKE
from leukemia_tf.inference.cells import cell_logits, cell_predictions
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import RunFolder

log = logging.getLogger("leukemia_tf")


def read_unlabelled(folder: Path, data: Path, prepared: Prepared, reading: Reading | None = None) -> tuple[Cell, ...]:
    """Read further cells; their labels, if they have any, are not used.

    Parameters
    ----------
    folder : pathlib.Path
        Of the further cells.
    data : pathlib.Path
        Of the labelled cells.
    prepared : Prepared
        The labelled cells. Cells of their patients, identical pictures and near-duplicates of them are left out.
    reading : Reading, optional
        How patients are read from names or a table, in both folders.

    Returns
    -------
    tuple of Cell
        Without label; the path relative to `data` where it lies inside, else absolute; the patient if the file name
        has one.

    Raises
    ------
    DataError
        If none is left.
    """
    further = _scan_unlabelled(folder, data.resolve())
    paths = [data.resolve() / cell.path for cell in further.cells]
    patients_of = find_patients(folder.resolve(), paths, reading)
    cells = [replace(cell, patient=patients_of[path]) for cell, path in zip(further.cells, paths)]
    pictures = _known_pictures(cells, further, data.resolve(), prepared, reading)
    patients = _known_patients(prepared)
    new = tuple(cell for cell in cells if cell.sha256 not in pictures and cell.patient not in patients)
    log.info("%d further cells without a label; %d are left out, known already", len(new), len(cells) - len(new))
    if not new:
        raise DataError(f"`unlabelled={folder}`: every cell there is one of the labelled ones, or of their patients.")
    return new


def _scan_unlabelled(folder: Path, data: Path) -> Scan:
    paths = [path.resolve() for path in find_images([folder])]
    names = (str(path.relative_to(data)) if path.is_relative_to(data) else str(path) for path in paths)
    further = scan(Catalog(data, (), tuple(names)), unlabelled=True)
    for row in further.rejected:
        log.warning("left out: %s: %s", row.path, row.reason)
    return further


def _known_pictures(
    cells: Sequence[Cell], further: Scan, data: Path, prepared: Prepared, reading: Reading | None
) -> set[str]:
    """Return the hashes of the labelled pictures, and of all near-duplicates of them."""
    _, known = scan_folder(data, "skip", reading)
    together = Scan((*known.cells, *cells), (*known.statistics, *further.statistics), ())
    labelled = {cell.path for cell in prepared.cells}
    pictures = {cell.sha256 for cell in prepared.cells}
    for one, other, _ in together.near_duplicates():
        if {one.path, other.path} & labelled:
            pictures |= {one.sha256, other.sha256}
    return pictures


def _known_patients(prepared: Prepared) -> set[str]:
    """Return all names of the patients of the labelled cells, those that only C-NMC's full set gives them, too."""
    names = names_of_patients(prepared.cells, prepared.patient_groups)
    return names | with_doubles(names & prepared.cnmc_patients)


def pseudo_label_cells(run: RunFolder, config: NoisyStudentConfig, path: Path, cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that a run's network is confident about, with its labels; from `path` if that was written."""
    if path.is_file():
        return list(read_cells(path))
    model = load_network(run.model)
    logits = cell_logits(model, run.data, cells, run.read_config()["train"], "none", "preparing unlabelled")
    predictions = cell_predictions(model, run.data, cells, logits, "none")
    unlike = sum(row.status == UNLIKE for row in predictions)
    if unlike:
        log.warning("WARNING: %d of %d unlabelled cells are unlike the training cells", unlike, len(cells))
    probabilities = np.array([row.probability for row in predictions])
    return pseudo_labelled(cells, probabilities, config.targets == "soft", config.confidence, config.balanced)
