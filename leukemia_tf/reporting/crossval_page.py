"""The page of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leukemia_tf.evaluation.area_comparison import comparison_lines
from leukemia_tf.evaluation.cautions import pooled_cautions
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import INTERVALS, count_text, format_score, title_over_cells
from leukemia_tf.reporting import sections, summary, tables
from leukemia_tf.reporting.blocks import Page, Picture, Section, Table, Text, section
from leukemia_tf.reporting.command_line import study_command
from leukemia_tf.reporting.stress_section import stored_stress
from leukemia_tf.reporting.study_provenance import reproduce, study_provenance
from leukemia_tf.runs.study_folder import Study

FOLD_SCORES = ("auroc_by_patient", "auroc", "weighted_f1", "accuracy", "sensitivity", "specificity")
EACH_FOLD = "each fold's threshold"


def crossval_page(study: Study, metrics: Mapping[str, Any], scored: sections.Scored, histories: Picture) -> Page:
    """Return the page of a finished cross-validation.

    Parameters
    ----------
    study : Study
        Finished.
    metrics : mapping
        The content of metrics.json.
    scored : Scored
        The out-of-fold predictions of the first seed.
    histories : Picture
        The learning curves of the folds.
    """
    first, settings = next(iter(metrics["parts"].values())), study.read_config()
    files = (study.config, study.folds)
    return Page(
        title=f"{settings['asked']['base']}: cross-validation by {metrics['protocol']}",
        name=f"Cross-validation of {study.path.resolve().name}",
        subtitle=_subtitle(metrics, settings),
        headline=summary.headline(metrics, next(iter(metrics["parts"]))),
        details=_details(metrics, first),
        cautions=pooled_cautions(metrics, first),
        about=study_provenance(study.path, files),
        sections=[
            _scores(metrics),
            _folds(metrics, histories),
            *_holdout(metrics),
            sections.performance(scored, pooled_calibration(first)),
            sections.threshold_section(scored, "The slider puts one threshold in place of each fold's."),
            sections.patients_section(scored),
            sections.wrong_section(scored, first.get("wrong_cells", ())),
            *stored_stress(study),
            reproduce(study_command("crossval", settings), files),
        ],
    )


def _subtitle(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    seeds = len(metrics["seeds"])
    repeats = f", {seeds} repetitions" if seeds > 1 else ""
    folds = f"{metrics['folds']} folds by {metrics['protocol']}"
    return f"{settings['asked']['base']}, {folds}{repeats}; data: {metrics['data']}"


def _details(metrics: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    seen = "was also trained on them" if metrics["protocol"] == "image" else "never saw them"
    first = f" Seed {metrics['seeds'][0]}." if len(metrics["seeds"]) > 1 else ""
    auroc = f"{title_over_cells('auroc')} {format_score(part['cell']['auroc'])}"
    return (
        f"pooled over {count_text(part)}, each predicted by a network that {seen}.{first} {auroc}. "
        f"In brackets: {INTERVALS}."
    )


def _scores(metrics: Mapping[str, Any]) -> Section:
    parts = metrics["parts"]
    several = len(parts) > 1
    titled = {name.replace("-", " ") if several else "": part for name, part in parts.items()}
    titles, *rows = tables.pooled_score_rows(titled)
    notes = []
    for part in list(parts.values())[:1]:
        notes += comparison_lines(part["compared_with_area"]) if "compared_with_area" in part else []
        notes += [summary.permutation_sentence(part)] if part.get("permutation_p") is not None else []
    return section(
        "scores",
        "Pooled out-of-fold scores",
        sections.how_scored(EACH_FOLD),
        Table("scores", "Scores of all out-of-fold predictions in one table.", titles, rows, stacked=True),
        *map(Text, notes),
    )


def _folds(metrics: Mapping[str, Any], histories: Picture) -> Section:
    titles = ["fold", "cells", *(f"patients, {name}" for name in LABEL_NAMES.values()), "epochs"]
    rows = [
        [
            f"seed {row['seed']}, fold {row['fold']}",
            f"{row['cells']:,}",
            *(str(row["patients"][label]) for label in LABEL_NAMES),
            str(row["epochs"]),
            *(_number(row[name]) for name in FOLD_SCORES),
        ]
        for row in metrics["runs"]
    ]
    rows.append(["mean of the folds (sd)", "", "", "", "", *_spreads(metrics["over_folds"])])
    caption = (
        "Each fold's network on its test cells, and the mean of the folds with their standard deviation. The mean of "
        "the folds and the pooled score differ: the folds' networks differ in level, and share their training."
    )
    groups = [("", len(rows) - 1), ("", 1)]  # so that sorting leaves the mean below the folds
    table = Table("folds", caption, [*titles, *map(title_over_cells, FOLD_SCORES)], rows, groups, stacked=True)
    return section("folds", "Folds", table, histories)


def _holdout(metrics: Mapping[str, Any]) -> list[Section]:
    if "holdout" not in metrics:
        return []
    holdout = metrics["holdout"]
    titled = {f"their {name}": holdout[name] for name in ("mean", "vote")}
    titles, *rows = tables.pooled_score_rows(titled)
    spreads = ", ".join(
        f"{title_over_cells(name)} {text}" for name, text in zip(FOLD_SCORES, _spreads(holdout["over_folds"]))
    )
    text = f"{count_text(holdout['mean'])} were in no fold. The folds' networks, each alone, mean (sd): {spreads}."
    caption = "All folds' networks together on the held-out cells: the mean of their probabilities, and their vote."
    return [section("holdout", "Held-out patients", Text(text), Table("holdout", caption, titles, rows, stacked=True))]


def pooled_calibration(part: Mapping[str, Any]) -> str:
    """Return what the folds' temperatures changed of a pooled part's calibration."""
    before, after = (format_score(scores["ece"]) for scores in (part["uncalibrated"], part["cell"]))
    text = f"Expected calibration error (ECE) {after}"
    unlike = part["unlike_training"] or "None"
    return (
        f"{text}, uncalibrated." if before == after else f"{text}; before each fold's temperature {before}."
    ) + f" {unlike} of the cells are unlike the training cells of their fold; all are scored."


def _spreads(over_folds: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    return [f"{_number(over_folds[name]['mean'])} ({_number(over_folds[name]['sd'])})" for name in FOLD_SCORES]


def _number(value: float | None) -> str:
    return "undefined" if value is None or not np.isfinite(value) else f"{value:.3f}"
