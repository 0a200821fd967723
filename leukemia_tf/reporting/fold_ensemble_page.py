"""The page of an ensemble of cross-validated networks: members and ensembles against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.evaluation.cautions import pooled_cautions
from leukemia_tf.evaluation.scores import INTERVALS, count_text, format_score, title_over_cells
from leukemia_tf.reporting import sections, tables
from leukemia_tf.reporting.blocks import Page, Picture, Section, Table, Text, section
from leukemia_tf.reporting.crossval_page import pooled_calibration
from leukemia_tf.reporting.study_provenance import study_provenance
from leukemia_tf.runs.study_folder import Study

SHOWN = ("auroc_by_patient", "auroc", "weighted_f1")
FIGURES = {
    "scores": "The AUROC by patient of each member and each ensemble, with its 95 % interval over patients.",
    "wrong-counts": "How many cells are misclassified by how many of the members, by class.",
}
AVERAGE = "average"


def fold_ensemble_page(
    study: Study, metrics: Mapping[str, Any], figures: Mapping[str, Figure], scored: sections.Scored
) -> Page:
    """Return the page of combined cross-validations.

    Parameters
    ----------
    study : Study
        With its settings.
    metrics : mapping
        The content of metrics.json.
    figures : mapping of str to matplotlib.figure.Figure
        By the keys of `FIGURES`.
    scored : Scored
        The out-of-fold predictions of the average.
    """
    part = metrics["parts"][AVERAGE]
    drawn = {
        name: Picture(name, figures[name], caption, f"{caption} The tables have the numbers.")
        for name, caption in FIGURES.items()
    }
    title = title_over_cells("auroc_by_patient")
    return Page(
        title=f"Ensemble of {len(metrics['more_than']) - 3} cross-validations",
        name=f"Ensemble of cross-validations: {study.path.resolve().name}",
        subtitle=f"Average, vote and weighted average of out-of-fold predictions; data: {metrics['data']}",
        headline=f"{title} {format_score(part['cell']['auroc_by_patient'])}, the members' average",
        details=f"pooled over {count_text(part)}. In brackets: {INTERVALS}; of differences t intervals, paired.",
        cautions=pooled_cautions(metrics, part),
        about=study_provenance(study.path, (study.config,)),
        sections=[
            section("scores", "Members and ensembles", drawn["scores"], _scores(metrics), _differences(metrics)),
            _weights(metrics),
            section("errors", "Errors of the members", drawn["wrong-counts"]),
            sections.performance(scored, pooled_calibration(part)),
            sections.threshold_section(scored),
            sections.patients_section(scored),
            sections.wrong_section(scored, ()),
        ],
    )


def _scores(metrics: Mapping[str, Any]) -> Table:
    titles, *rows = tables.pooled_score_rows(metrics["parts"])
    over_cells = [0, *range(1, len(titles), 3)]  # over cells alone: over patients it is in metrics.json
    names = ["metric over cells", *metrics["parts"]]
    caption = "Scores of the out-of-fold predictions over cells; metrics.json has those over patients."
    return Table("scores", caption, names, [[row[place] for place in over_cells] for row in rows], stacked=True)


def _differences(metrics: Mapping[str, Any]) -> Table:
    rows = [
        [f"{name} minus {other}", *(format_score(scores[metric], "+") for metric in SHOWN)]
        for name, others in metrics["more_than"].items()
        for other, scores in others.items()
    ]
    caption = "Differences, paired over patients. One whose interval holds 0 may be chance."
    return Table("differences", caption, ["difference", *map(title_over_cells, SHOWN)], rows, stacked=True)


def _weights(metrics: Mapping[str, Any]) -> Section:
    members = list(next(iter(metrics["weights"].values())))
    rows = [
        [f"fold {fold}", *(f"{weights[name]:.3f}" for name in members)] for fold, weights in metrics["weights"].items()
    ]
    about = "Each fold's weights were optimised on the other folds' cells, so no cell influences its prediction."
    table = Table("weights", "The members' weights in the weighted average.", ["cells of", *members], rows)
    return section("weights", "Weights", Text(about), table)
