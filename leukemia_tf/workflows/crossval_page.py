"""Figures and report.html of a finished cross-validation, from its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from leukemia_tf.core.files import read_json
from leukemia_tf.data.folds import read_folds
from leukemia_tf.evaluation.figures import pooled_figures
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import by_patient_group, read_predictions
from leukemia_tf.reporting.blocks import Page, Picture
from leukemia_tf.reporting.captions import figure_texts, pictures
from leukemia_tf.reporting.crossval_page import EACH_FOLD, crossval_page, pooled_calibration
from leukemia_tf.reporting.error_analysis import draw_histories
from leukemia_tf.reporting.page import write_page
from leukemia_tf.reporting.sections import Scored
from leukemia_tf.reporting.tables import names_by_group
from leukemia_tf.reporting.wrong_cells import folder_with, measure_cells
from leukemia_tf.runs.study_folder import Study

HISTORIES = "Losses and validation accuracy of the folds' networks by epoch."


def write_crossval_report(study: Study, areas: Mapping[str, float] | None = None, folder: Path | None = None) -> Page:
    """Write the figures of every seed, and report.html with those of the first; return the page.

    Parameters
    ----------
    study : Study
        Finished.
    areas : mapping of str to float, optional
        Each cell's area in pixels, by its path; measured where they are not given and the cells are there.
    folder : pathlib.Path, optional
        Where the cells lie now. Default: where they were.
    """
    metrics = read_json(study.metrics)
    scored = {int(name.removeprefix("seed-")): _scored(study, name, areas, folder) for name in metrics["parts"]}
    for seed, one in scored.items():
        for name, picture in one.pictures.items():
            save(picture.figure, study.figure(f"{name}-seed-{seed}"))
    figure = draw_histories(
        {f"seed {row['seed']}, fold {row['fold']}": study.run(row["run"]).read_history() for row in metrics["runs"]}
    )
    save(figure, study.figure("histories"))
    histories = Picture("histories", figure, HISTORIES, f"Curves. {HISTORIES}", wide=True)
    page = crossval_page(study, metrics, next(iter(scored.values())), histories)
    write_page(study.report, page)
    return page


def _scored(study: Study, part: str, areas: Mapping[str, float] | None, folder: Path | None) -> Scored:
    """Return a seed's pooled predictions, with their figures."""
    metrics, data = read_json(study.metrics), study.read_config()["data"]
    predictions = read_predictions(study.predictions(part))
    rows, thresholds = by_patient_group(predictions, data["same_patients"]), _thresholds(study, part)
    limits = np.array([thresholds[row.path] for row in rows])
    there = folder_with({"folder": folder} if folder else data, rows)
    sizes = np.array([areas[row.path] for row in rows], float) if areas else None
    if sizes is None and there:
        sizes = measure_cells(rows, there)["area"]
    scores = metrics["parts"][part]
    changed = any(abs((row.probability or 0) - 1 / (1 + np.exp(-(row.logit or 0)))) > 1e-6 for row in rows)
    calibrated = "each fold's temperature" if changed else ""
    figures = pooled_figures(rows, scores["cell"], limits, calibrated, sizes)
    texts = figure_texts(scores, EACH_FOLD, pooled_calibration(scores), "out-of-fold")
    names = names_by_group(read_folds(study.folds).cells, data["same_patients"])
    return Scored(rows, limits, pictures(figures, texts), names, there, "out-of-fold")


def _thresholds(study: Study, part: str) -> dict[str, float]:
    """Return the threshold of each cell's fold, by the cell's path."""
    seed, folds = int(part.removeprefix("seed-")), read_folds(study.folds)
    of_fold = {
        row["fold"]: read_json(study.run(row["run"]).metrics)["decision"]["threshold"]
        for row in read_json(study.metrics)["runs"]
        if row["seed"] == seed
    }
    pairs = zip(folds.cells, folds.by_seed[seed])
    return {cell.path: of_fold[fold] for cell, fold in pairs if fold is not None}
