"""Score a run on its validation and test patients."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leukemia_tf.core.errors import DataError, RunError, UserError
from leukemia_tf.core.files import read_csv, write_atomically, write_json
from leukemia_tf.core.timing import seconds_so_far, timed
from leukemia_tf.data.catalog import Cell, read_cells
from leukemia_tf.data.datasets import classes
from leukemia_tf.data.integrity import pixel_hash, read_image
from leukemia_tf.data.split_protocols import REFIT
from leukemia_tf.data.splits import Split, read_split
from leukemia_tf.evaluation.calibration import fit_calibration
from leukemia_tf.evaluation.decision import decision_record
from leukemia_tf.evaluation.out_of_distribution import fit_training_distribution
from leukemia_tf.evaluation.predictions import Prediction, by_patient_group, read_predictions, write_predictions
from leukemia_tf.evaluation.scores import LEAK_WARNING, score_part
from leukemia_tf.evaluation.thresholds import check_threshold
from leukemia_tf.evaluation.tta import check_tta
from leukemia_tf.inference.cells import cell_logits, cell_predictions
from leukemia_tf.models.network import load_network
from leukemia_tf.models.probability import get_calibration, set_calibration
from leukemia_tf.reporting.blocks import Page
from leukemia_tf.reporting.paper import methods_sentence, write_paper
from leukemia_tf.reporting.report import write_report
from leukemia_tf.reporting.wrong_cells import compare_wrong_predictions, measure_cells
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.recalibration import change_record

log = logging.getLogger("leukemia_tf")

PARTS = ("val", "test")


@dataclass(frozen=True)
class _Evaluation:
    """A run with its network and the cells it is scored on.

    Parameters
    ----------
    run : RunFolder
        Trained.
    folder : pathlib.Path
        Where its cells lie now.
    settings : mapping
        The content of config.json.
    split : Split
        Its patients by part.
    cells : dict of str to list of Cell
        Those of `train`, and of `val` and `test` unless empty.
    model : keras.Model
        The network.
    tta : str
        Test-time views.
    """

    run: RunFolder
    folder: Path
    settings: Mapping[str, Any]
    split: Split
    cells: Mapping[str, list[Cell]]
    model: keras.Model
    tta: str

    @property
    def groups(self) -> Sequence[Sequence[str]]:
        """The names that are one patient."""
        return self.settings["data"].get("same_patients", ())

    @property
    def parts(self) -> list[str]:
        """The parts that are scored; a split may have no patient for validation."""
        return [part for part in PARTS if self.cells[part]]


def evaluate_run(
    run: RunFolder,
    folder: Path,
    seed: int = 0,
    threshold: str | None = None,
    tta: str = "none",
    paper: Path | None = None,
) -> dict:
    """Score a run on its validation and test cells.

    Parameters
    ----------
    run : RunFolder
        Trained.
    folder : pathlib.Path
        Where its cells lie.
    seed : int
        Of the permutation test.
    threshold : str, optional
        Fit temperature and threshold anew by this rule, and store both in the run's network. If that changes a
        finished run, its former network and metrics.json are kept in a folder `before-TIME` beside them.
    tta : str
        Test-time views.
    paper : pathlib.Path, optional
        Folder for figures and tables as a paper needs them.

    Returns
    -------
    dict
        The content of metrics.json, which is written last.

    Raises
    ------
    UserError
        If the run has no patients to be scored on, or its cells are not in the folder.
    """
    _check_settings(threshold, tta)
    with timed("evaluation"):
        evaluation = _open(run, folder, tta)
        logits = _logits(evaluation)
        change = _recalibrate(evaluation, logits, threshold) if threshold else {}
        if threshold:
            write_atomically(run.model, lambda scratch: _save(evaluation, scratch))
        predictions = _predict(evaluation, logits)
        shapes = measure_cells(predictions["test"], folder)
        metrics = _score(evaluation, predictions, shapes, seed) | change
    if seconds := seconds_so_far():
        write_json(run.seconds, seconds)
    with timed("report"):
        page = _write(evaluation, predictions, shapes["area"], metrics)
    if paper:
        log.info("%d files for a paper: %s", len(write_paper(page, paper, methods_sentence(metrics))), paper)
    return metrics


def _check_settings(threshold: str | None, tta: str) -> None:
    check_tta(tta)
    if threshold and tta != "none":
        raise UserError(
            f"`threshold` beside `tta`: a threshold is fitted on cells as they are. "
            f"Received: threshold={threshold!r}, tta={tta!r}"
        )
    check_threshold(threshold or "0.5")


def _open(run: RunFolder, folder: Path, tta: str) -> _Evaluation:
    run.check_files(run.environment, run.splits, run.cells, run.model, run.history)
    settings, split = run.read_config(), read_split(run.splits)
    if split.protocol == REFIT:
        raise RunError(
            f"{run} was trained on all its patients, so none is left to evaluate it on. Its recipe was evaluated in "
            f"{settings['train']['refit']}."
        )
    model, cells = load_network(run.model), read_cells(run.cells)
    by_part = {part: [cell for cell in cells if cell.split == part] for part in ("train", *PARTS)}
    for part in PARTS:
        _check_pictures(folder, by_part[part])
    if split.folds and run.predictions("val").is_file():
        run.check_files(run.predictions("val"))
        by_part["val"] = by_part["train"]
    return _Evaluation(run, folder, settings, split, by_part, model, tta)


def _check_pictures(folder: Path, cells: Sequence[Cell]) -> None:
    for cell in cells:
        if pixel_hash(read_image(folder / cell.path)[1]) != cell.sha256:
            raise DataError(
                f"{folder / cell.path} is not the picture that the run was split with: name its folder as `data`."
            )


def _save(evaluation: _Evaluation, scratch: Path) -> None:
    """Save the network, and only then delete the scores of the former one."""
    evaluation.model.save(scratch)
    evaluation.run.metrics.unlink(missing_ok=True)


def _logits(evaluation: _Evaluation) -> dict[str, np.ndarray]:
    model, folder, settings = evaluation.model, evaluation.folder, evaluation.settings["train"]
    return {
        part: _out_of_fold_logits(evaluation)
        if part == "val" and evaluation.split.folds
        else cell_logits(model, folder, evaluation.cells[part], settings, evaluation.tta, f"preparing {part}")
        for part in evaluation.parts
    }


def _out_of_fold_logits(evaluation: _Evaluation) -> np.ndarray:
    """Return the logits of the inner folds' networks; this network was trained on these cells."""
    by_path = {row.path: row.logit for row in read_predictions(evaluation.run.predictions("val"))}
    return np.array([by_path[cell.path] for cell in evaluation.cells["val"]], np.float32)


def _recalibrate(evaluation: _Evaluation, logits: Mapping[str, np.ndarray], threshold: str) -> dict[str, Any]:
    """Fit temperature and threshold on the validation cells; return what that changes in a finished run."""
    model, run, val = evaluation.model, evaluation.run, evaluation.cells["val"]
    former = get_calibration(model)
    distribution = former.out_of_distribution or fit_training_distribution(evaluation.folder, evaluation.cells["train"])
    patients = np.array([cell.patient for cell in by_patient_group(val, evaluation.groups)])
    new = fit_calibration(classes(val), logits.get("val", np.zeros(0)), patients, threshold, distribution)
    set_calibration(model, new)
    if new == former or not run.metrics.is_file():
        return {}
    change = change_record(former, new, evaluation.cells, logits, evaluation.groups)
    return {"before": {"folder": run.keep_former().name, **change}}


def _predict(evaluation: _Evaluation, logits: Mapping[str, np.ndarray]) -> dict[str, list[Prediction]]:
    return {
        part: cell_predictions(
            evaluation.model, evaluation.folder, evaluation.cells[part], logits[part], evaluation.tta
        )
        for part in evaluation.parts
    }


def _score(
    evaluation: _Evaluation,
    predictions: Mapping[str, list[Prediction]],
    shapes: Mapping[str, np.ndarray],
    seed: int,
) -> dict[str, Any]:
    """Return the content of metrics.json."""
    run, split, calibration = evaluation.run, evaluation.split, get_calibration(evaluation.model)
    grouped = {part: by_patient_group(rows, evaluation.groups) for part, rows in predictions.items()}
    return {
        "protocol": split.protocol,
        **({"caution": LEAK_WARNING} if split.protocol == "image" else {}),
        "seed": split.seed,
        "data": evaluation.settings["data"]["name"],
        "rejected": read_csv(run.rejected) if run.rejected.is_file() else [],
        "decision": decision_record(calibration, grouped["test"]),
        "tta": evaluation.tta,
        "permutation_seed": seed,
        **({"inner_folds": len(split.folds)} if split.folds else {}),
        "parts": {part: score_part(rows, calibration.threshold, seed) for part, rows in grouped.items()},
        "wrong_cells": compare_wrong_predictions(shapes, grouped["test"]),
    }


def _write(
    evaluation: _Evaluation, predictions: Mapping[str, list[Prediction]], areas: np.ndarray, metrics: dict
) -> Page:
    """Write predictions, figures, report and card; metrics.json last, so that a run that has it is finished."""
    run = evaluation.run
    if not run.has_metrics(metrics):
        run.metrics.unlink(missing_ok=True)  # of what is written over from here on
    for part, rows in predictions.items():
        write_predictions(run.predictions(part), rows)
    test = by_patient_group(predictions["test"], evaluation.groups)
    page = write_report(run, metrics, test, areas, evaluation.model, evaluation.folder)
    run.write_metrics(metrics)
    return page
