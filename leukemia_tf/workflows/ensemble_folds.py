"""Ensembles of cross-validated networks, evaluated on out-of-fold predictions."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from leukemia_tf.config import EnsembleConfig
from leukemia_tf.core.files import read_json, write_json
from leukemia_tf.data.folds import read_folds
from leukemia_tf.evaluation.figures import pooled_figures
from leukemia_tf.evaluation.intervals import paired_difference
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import (
    Prediction,
    arrays,
    by_patient_group,
    with_probabilities,
    write_predictions,
)
from leukemia_tf.evaluation.scores import footnote, format_score, score_part, title_over_cells
from leukemia_tf.reporting.captions import figure_texts, pictures
from leukemia_tf.reporting.crossval_page import pooled_calibration
from leukemia_tf.reporting.error_analysis import draw_scores, draw_wrong_counts
from leukemia_tf.reporting.finished_runs import distinct_names
from leukemia_tf.reporting.fold_ensemble_page import SHOWN, fold_ensemble_page
from leukemia_tf.reporting.page import write_page
from leukemia_tf.reporting.sections import Scored
from leukemia_tf.reporting.tables import names_by_group
from leukemia_tf.reporting.wrong_cells import folder_with, measure_cells
from leukemia_tf.runs.open_runs import check_vacant, new_run_path
from leukemia_tf.runs.study_folder import Study, open_study
from leukemia_tf.tuning.ensemble_weights import genetic_weights
from leukemia_tf.workflows import crossval
from leukemia_tf.workflows.out_of_fold import OutOfFold, read_out_of_fold

log = logging.getLogger("leukemia_tf")

KIND = "fold-ensemble"
Weights = Mapping[int, np.ndarray]  # of the members, by fold: float [members]
Classifiers = Mapping[str, tuple[np.ndarray, np.ndarray]]  # by name probabilities and thresholds, float [n] each


def ensemble_studies(config: EnsembleConfig) -> Study:
    """Combine finished cross-validations: their average, their vote, and a weighted average.

    The weights for a fold's cells are optimised on the out-of-fold predictions of the other folds, so no cell
    influences its prediction.

    Parameters
    ----------
    config : EnsembleConfig
        Two or more study folders with the same folds. All methods are compared, whatever `method` says.

    Returns
    -------
    Study
        metrics.json, one table of predictions per method, figures, and report.html.

    Raises
    ------
    UserError
        If the studies differ in their cells or folds.
    """
    studies = [open_study(path, crossval.KIND) for path in config.runs]
    study = Study(config.out or new_run_path("ensemble"))
    check_vacant(study.path)
    out_of_fold = read_out_of_fold(studies)
    grouped = by_patient_group(out_of_fold.predictions, studies[0].read_config()["data"]["same_patients"])
    labels, _, _ = arrays(grouped)
    weights = nested_weights(labels, out_of_fold.probabilities, out_of_fold.folds, config.seed)
    members = _members(distinct_names(config.runs), out_of_fold)
    ensembles = _ensembles(out_of_fold, weights)
    metrics = _head(studies[0], config.seed) | {
        "parts": _parts(grouped, {**members, **ensembles}, config.seed),
        "weights": {str(fold): dict(zip(members, values.tolist())) for fold, values in weights.items()},
        "more_than": _differences(grouped, members, ensembles),
    }
    for name, (probabilities, _) in ensembles.items():
        write_predictions(study.predictions(name), with_probabilities(out_of_fold.predictions, probabilities))
    wrong = (out_of_fold.probabilities >= out_of_fold.thresholds) != labels
    areas = {name: part["cell"]["auroc_by_patient"] for name, part in metrics["parts"].items()}
    figures = {"scores": draw_scores(areas), "wrong-counts": draw_wrong_counts(labels, wrong)}
    study.write_config(KIND, asked=asdict(config))
    write_json(study.metrics, metrics)
    scored = _scored_average(grouped, ensembles["average"], metrics, studies[0])
    for name, figure in (figures | {name: picture.figure for name, picture in scored.pictures.items()}).items():
        save(figure, study.figure(name))
    write_page(study.report, fold_ensemble_page(study, metrics, figures, scored))
    log.info("%s\n\nreport: %s", _table(metrics, next(iter(members))), study.report)
    return study


def _scored_average(
    grouped: Sequence[Prediction], average: tuple[np.ndarray, np.ndarray], metrics: Mapping[str, Any], first: Study
) -> Scored:
    """Return the average's predictions with their figures."""
    rows, data = with_probabilities(grouped, *average), first.read_config()["data"]
    scores, there = metrics["parts"]["average"], folder_with(data, rows)
    areas = measure_cells(rows, there)["area"] if there else None
    figures = pooled_figures(rows, scores["cell"], average[1], areas=areas)
    texts = figure_texts(scores, "0.5", pooled_calibration(scores), "out-of-fold")
    names = names_by_group(read_folds(first.folds).cells, data["same_patients"])
    return Scored(rows, average[1], pictures(figures, texts), names, there, "out-of-fold")


def nested_weights(labels: np.ndarray, probabilities: np.ndarray, folds: np.ndarray, seed: int = 0) -> Weights:
    """Optimise each fold's weights on the other folds' cells.

    Parameters
    ----------
    labels, folds : numpy.ndarray
        int [n].
    probabilities : numpy.ndarray
        float [members, n].
    seed : int
        Of the genetic algorithm.
    """
    return {
        int(fold): genetic_weights(labels[folds != fold], probabilities[:, folds != fold], seed)
        for fold in np.unique(folds)
    }


def _members(names: Sequence[str], out_of_fold: OutOfFold) -> Classifiers:
    return dict(zip(names, zip(out_of_fold.probabilities, out_of_fold.thresholds)))


def _ensembles(out_of_fold: OutOfFold, weights: Weights) -> Classifiers:
    probabilities, half = out_of_fold.probabilities, np.full(len(out_of_fold.folds), 0.5)
    weighted = [weights[fold] @ probabilities[:, index] for index, fold in enumerate(out_of_fold.folds)]
    return {
        "average": (probabilities.mean(0), half),
        "vote": ((probabilities >= out_of_fold.thresholds).mean(0), half),
        "genetic": (np.stack(weighted), half),
    }


def _head(first: Study, seed: int) -> dict[str, Any]:
    metrics = read_json(first.metrics)
    head = {key: metrics[key] for key in ("protocol", "caution", "data") if key in metrics}
    return {**head, "permutation_seed": seed}


def _parts(grouped: Sequence[Prediction], classifiers: Classifiers, seed: int) -> dict[str, Any]:
    """Return the scores by classifier."""
    return {
        name: score_part(with_probabilities(grouped, probabilities), thresholds, seed)
        for name, (probabilities, thresholds) in classifiers.items()
    }


def _differences(
    grouped: Sequence[Prediction], members: Classifiers, ensembles: Classifiers
) -> dict[str, dict[str, Any]]:
    """Return how much each ensemble scores above every other classifier, and each member above the first."""
    labels, _, patients = arrays(grouped)
    classifiers = {**members, **ensembles}
    differences: dict[str, dict[str, Any]] = {}
    for name, (probabilities, thresholds) in classifiers.items():
        differences[name] = {}
        for other in classifiers if name in ensembles else list(members)[:1]:
            if other != name:
                reference, others = classifiers[other]
                differences[name][other] = paired_difference(
                    labels, probabilities, reference, patients, (thresholds, others)
                )
    return differences


def _table(metrics: Mapping[str, Any], first: str) -> str:
    """Return the scores of members and ensembles, and their differences to the first member."""
    scores = {name: part["cell"] for name, part in metrics["parts"].items()}
    width = max(map(len, scores)) + 2
    titles = "".join(f"{title_over_cells(name):<24}" for name in SHOWN)
    lines = ["", *([metrics["caution"]] if "caution" in metrics else [])]
    lines.append(f"{'':<{width}}{titles}{title_over_cells(SHOWN[0])}, minus {first}")
    for name, cell in scores.items():
        columns = "".join(f"{format_score(cell[metric]):<24}" for metric in SHOWN)
        difference = metrics["more_than"][name][first]["auroc_by_patient"] if name != first else None
        lines.append(f"{name:<{width}}{columns}{format_score(difference, '+') if difference else ''}")
    gain = format_score(metrics["more_than"]["genetic"]["average"]["weighted_f1"], "+")
    lines += [
        f"genetic minus average, {title_over_cells('weighted_f1')}: {gain}",
        "each fold's weights were optimised on the other folds' cells",
        f"folds by {metrics['protocol']}; 95 % intervals over patients",
    ]
    return "\n".join(lines + footnote("".join(lines)))
