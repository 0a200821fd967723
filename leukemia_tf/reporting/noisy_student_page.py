"""The page of `noisy_student`: the rounds, and students against their teachers."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import format_score, title_over_cells
from leukemia_tf.reporting.blocks import Page, Table, Text, section
from leukemia_tf.reporting.command_line import study_command
from leukemia_tf.reporting.study_provenance import reproduce, study_provenance
from leukemia_tf.runs.study_folder import Study

SCORE = "auroc_by_patient"
ABOUT = (
    "A teacher's predictions of unlabelled cells are the labels of its student. Students and teachers are scored on "
    "the same test patients; the selected round is the result."
)


def noisy_student_page(study: Study, metrics: Mapping[str, Any]) -> Page:
    """Return the page of finished rounds.

    Parameters
    ----------
    study : Study
        With its settings.
    metrics : mapping
        The content of metrics.json.
    """
    settings, files, title = study.read_config(), (study.config, study.rounds), title_over_cells(SCORE)
    last = [row for row in metrics["rounds"] if row["kept"]][-1]
    score, difference = _scores(metrics, last)
    more = f", minus its teacher {difference}" if difference else ""
    pseudo = [f"pseudo-labelled {name}" for name in LABEL_NAMES.values()]
    titles = ["round", *pseudo, "right", f"{title}, validation", f"{title}, test", "minus its teacher", "selected"]
    caption = "The rounds. Right: the share of pseudo-labels that are right, where the truth is known."
    return Page(
        title=f"{settings['asked']['base']}: noisy student",
        name=f"Noisy student: {study.path.resolve().name}",
        subtitle=f"{settings['asked']['base']}; data: {metrics['data']}",
        headline=f"{title} {score}",
        details=f"on the test patients, of the network {last['run']}{more}.",
        about=study_provenance(study.path, files),
        sections=[
            section(
                "rounds",
                "Rounds",
                Text(ABOUT),
                Table("rounds", caption, titles, [_row(metrics, row) for row in metrics["rounds"]], stacked=True),
                _voted(metrics),
                Text("More on each comparison: compare-fold-K/report.html beside this file."),
            ),
            reproduce(study_command("noisy_student", settings), files),
        ],
    )


def _row(metrics: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    name = f"fold {row['fold']}, " + (f"round {row['round']}" if row["round"] else "teacher")
    right = f"{row['right']:.3f}" if isinstance(row["right"], float) and isfinite(row["right"]) else ""
    counts = [str(row[label]) for label in LABEL_NAMES]
    return [name, *counts, right, f"{row['validation']:.3f}", *_scores(metrics, row), "yes" if row["kept"] else ""]


def _scores(metrics: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, str]:
    """Return a round's score on the test patients, and its difference to the teacher."""
    comparison = metrics["folds"][row["fold"]]
    if not comparison:
        return f"{row['test']:.3f}", ""
    scores = comparison["runs"][row["run"]]
    difference = format_score(scores["more_than_first"][SCORE], "+") if row["round"] else ""
    return format_score(scores[SCORE]), difference


def _voted(metrics: Mapping[str, Any]) -> Table | None:
    if not metrics.get("voted"):
        return None
    runs = metrics["voted"]["runs"]
    rows = [
        [name, format_score(runs[name][SCORE]), format_score(runs[name]["more_than_first"][SCORE], "+")]
        for name in ("teachers", "students")
    ]
    titles = ["voting", title_over_cells(SCORE), "minus the teachers"]
    return Table("voted", "The folds' teachers, and their selected networks, voting.", titles, rows, stacked=True)
