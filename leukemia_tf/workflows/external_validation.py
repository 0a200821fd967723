"""External validation: a network scored on another folder, of patients that it has never seen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from leukemia_tf.config import Reading, TrainConfig
from leukemia_tf.core.errors import DataError, RunError
from leukemia_tf.core.files import as_read, read_json
from leukemia_tf.data.catalog import Catalog, Cell, read_cells
from leukemia_tf.data.patient_groups import list_patient_groups
from leukemia_tf.data.prepare import find_doubles, log_findings, scan_folder
from leukemia_tf.data.scan import Scan
from leukemia_tf.evaluation.decision import decision_record
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import score_part
from leukemia_tf.evaluation.tta import check_tta
from leukemia_tf.inference.cells import cell_logits, cell_predictions
from leukemia_tf.models.network import load_network
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.reporting.wrong_cells import compare_wrong_predictions, measure_cells
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.external_report import External, write_external
from leukemia_tf.workflows.seen_pictures import check_unseen, trained_names

log = logging.getLogger("leukemia_tf")


def is_external(run: RunFolder, folder: Path) -> bool:
    """Return whether a folder holds other cells than those that a run was split with."""
    cells = read_cells(run.cells)
    scored = [cell for cell in cells if cell.split in ("val", "test")] or cells  # a refit has training cells alone
    return sum((folder / cell.path).is_file() for cell in scored) < len(scored) / 2  # a path may be the same by chance


def evaluate_run_external(
    run: RunFolder, folder: Path, seed: int = 0, tta: str = "none", reading: Reading | None = None
) -> dict:
    """Score a run on all labelled cells of another folder, into `RUN/on-NAME/`.

    Temperature and threshold stay the run's.

    Returns
    -------
    dict
        The content of metrics.json; its protocol is `external`.

    Raises
    ------
    DataError
        If a picture there, or a near-duplicate of it, was trained on, or none is labelled.
    """
    out = run.external(folder.resolve().name)
    return evaluate_network(run.model, folder, out, seed, tta, run, reading)


def evaluate_network(
    network: Path,
    folder: Path,
    out: RunFolder,
    seed: int = 0,
    tta: str = "none",
    run: RunFolder | None = None,
    reading: Reading | None = None,
) -> dict:
    """Score a network on all labelled cells of a folder.

    Parameters
    ----------
    network : pathlib.Path
        A `.keras` file of this package.
    folder : pathlib.Path
        Labelled cells.
    out : RunFolder
        Where predictions, metrics.json, figures and report.html are written.
    seed : int
        Of the permutation test.
    tta : str
        Test-time views.
    run : RunFolder, optional
        The network's run: its training cells must not be in the folder. Without it that cannot be checked.
    reading : Reading, optional
        Labels and patients of the folder, if it is not laid out as C-NMC's.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    DataError
        If a picture there, or a near-duplicate of it, was trained on, or none is labelled.
    RunError
        If `out` holds the scores on another folder.
    """
    check_tta(tta)
    catalog, scanned, groups = _labelled_cells(folder, _cnmc_doubles(run), reading)
    cells = scanned.cells
    _warn_of_one_class(folder, cells)
    warnings = _check_unseen(network, run, folder, catalog, scanned)
    _check_same_folder(out, folder)
    model = load_network(network)
    settings = run.read_config()["train"] if run else vars(TrainConfig())
    logits = cell_logits(model, folder, cells, settings, tta)
    predictions = cell_predictions(model, folder, cells, logits, tta)
    external = External(network, run, model, folder, cells, groups, predictions)
    calibration, shapes = get_calibration(model), measure_cells(predictions, folder)
    metrics = {
        "protocol": "external",
        "permutation_seed": seed,
        "data": folder.resolve().name,
        "folder": str(folder.resolve()),
        "run": str(run or network),
        "decision": decision_record(calibration, external.grouped),
        "tta": tta,
        "reading": as_read({column.name: getattr(reading or Reading(), column.name) for column in fields(Reading)}),
        "warnings": warnings,
        "parts": {"test": score_part(external.grouped, calibration.threshold, seed)},
        "wrong_cells": compare_wrong_predictions(shapes, external.grouped),
    }
    write_external(out, external, metrics, shapes["area"])
    return metrics


def _cnmc_doubles(run: RunFolder | None) -> str:
    return run.read_config()["train"].get("cnmc_doubles", "merge") if run else "merge"


def _labelled_cells(
    folder: Path, cnmc_doubles: str, reading: Reading | None
) -> tuple[Catalog, Scan, tuple[tuple[str, ...], ...]]:
    """Return a folder's catalog, its labelled cells, and the names that are one patient."""
    catalog, scanned = scan_folder(folder, reading=reading)
    log_findings(catalog, scanned)
    if not scanned.cells:
        raise DataError(
            f"{folder} holds no labelled image: `python -m leukemia_tf.predict` predicts images without a label."
        )
    doubles = find_doubles(catalog, scanned, cnmc_doubles)
    return catalog, scanned, list_patient_groups(scanned.cells, scanned.near_duplicates(), doubles)


def _check_unseen(network: Path, run: RunFolder | None, folder: Path, catalog: Catalog, scanned: Scan) -> list[str]:
    """Stop at cells that the run was trained on; warn, and return the sentences, of what cannot be checked."""
    if run:
        check_unseen(run, folder, scanned.cells, scanned.fingerprints())
        sentence = trained_names(run, catalog, scanned.cells, _cnmc_doubles(run))
    else:
        sentence = f"Whether {network.name} was trained on these cells cannot be checked: it has no run folder."
    if sentence:
        log.warning("WARNING: %s", sentence)
    return [sentence] if sentence else []


def _warn_of_one_class(folder: Path, cells: Sequence[Cell]) -> None:
    """Warn, before anything is scored, where one class is missing."""
    labels = {cell.label for cell in cells}
    if len(labels) == 1:
        name, rate = LABEL_NAMES[next(iter(labels))], {"all": "sensitivity", "hem": "specificity"}[next(iter(labels))]
        log.warning(
            "WARNING: %s holds %s cells alone (%d): the %s can be measured there, and no AUROC",
            folder,
            name,
            len(cells),
            rate,
        )


def _check_same_folder(out: RunFolder, folder: Path) -> None:
    if out.metrics.is_file() and read_json(out.metrics)["folder"] != str(folder.resolve()):
        raise RunError(
            f"{out} holds the scores on another folder named {folder.resolve().name}: move it, or rename the folder."
        )
