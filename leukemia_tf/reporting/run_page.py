"""The page of a run: `report.html` of `train` and `evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from matplotlib.figure import Figure

from leukemia_tf.core.files import read_json
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.evaluation.scores import format_score, title_over_cells
from leukemia_tf.reporting import sections, summary, tables
from leukemia_tf.reporting.blocks import Code, Gallery, Page, Section, Table, Text, section
from leukemia_tf.reporting.captions import figure_texts, pictures
from leukemia_tf.reporting.command_line import reproducing_command
from leukemia_tf.reporting.provenance import provenance
from leukemia_tf.reporting.stress_section import stored_stress
from leukemia_tf.runs.run_folder import RunFolder

HEAT = (
    "Left: the image, brightened. Right: with its heat map; bright areas pushed the network towards its prediction, "
    "and the line is at half of the map's maximum. A red frame: misclassified."
)
MEMBER_SCORES = ("auroc_by_patient", "auroc", "weighted_f1")


def run_page(
    run: RunFolder,
    metrics: Mapping[str, Any],
    predictions: Sequence[Prediction],
    figures: Mapping[str, Figure],
    examples: Sequence[Gallery] = (),
    folder: Path | None = None,
) -> Page:
    """Return the page of a run.

    Parameters
    ----------
    run : RunFolder
        With its settings and cells.
    metrics : mapping
        The content of metrics.json.
    predictions : sequence of Prediction
        On the test part, as from `by_patient_group`.
    figures : mapping of str to matplotlib.figure.Figure
        As from `run_figures`.
    examples : sequence of Gallery
        As from `galleries`.
    folder : pathlib.Path, optional
        Where its cells lie; without it the wrong cells are not shown.
    """
    settings, environment = run.read_config(), cast("dict[str, Any]", read_json(run.environment))
    threshold, cells = metrics["decision"]["threshold"], read_cells(run.cells)
    calibration = summary.calibration_text(metrics)
    texts = figure_texts(metrics["parts"]["test"], f"{threshold:.3g}", calibration)
    names = tables.names_by_group(cells, settings["data"].get("same_patients", ()))
    scored = sections.Scored(predictions, threshold, pictures(figures, texts), names, folder)
    verdict = metrics["decision"].get("calibration_verdict", "")
    return Page(
        title=f"{settings['network']['name']}: {metrics['protocol']} split, seed {metrics['seed']}",
        name=settings["network"]["name"],
        subtitle=summary.network_text(settings),
        headline=summary.headline(metrics),
        details=summary.details(metrics),
        cautions=cautions(metrics, settings),
        about=provenance(run, cells, environment),
        sections=[
            _scores(metrics),
            *_members(settings),
            _split(run, metrics),
            *_training(run, settings, scored),
            sections.performance(scored, calibration, verdict),
            sections.threshold_section(scored),
            sections.patients_section(scored),
            sections.wrong_section(scored, metrics.get("wrong_cells", ())),
            *stored_stress(run, threshold),
            *heat_section(examples),
            _reproduce(run, settings, environment),
        ],
    )


def heat_section(examples: Sequence[Gallery]) -> list[Section]:
    """Return the section of example cells with heat maps, if there are any; `examples`: as from `galleries`."""
    about = Text(f"{HEAT} p is the probability of {LABEL_NAMES['all']}.")
    return [section("examples", "Example cells", about, *examples)] if examples else []


def _scores(metrics: Mapping[str, Any]) -> Section:
    validation, permutation = summary.validation_text(metrics), summary.permutation_sentence(metrics["parts"]["test"])
    titles, *rows = tables.score_rows(metrics["parts"])
    caption = f"Scores on the test patients{', and in validation' if validation else ''}."
    return section(
        "scores",
        "Scores",
        sections.how_scored(f"a probability of {metrics['decision']['threshold']:.3g}"),
        Text(validation) if validation else None,
        Table("scores", caption, titles, rows, stacked=True),
        Text(permutation) if permutation else None,
    )


def _members(settings: Mapping[str, Any]) -> list[Section]:
    """Return the section of an ensemble's members, with their scores where their runs are still there."""
    rows = []
    for member in settings.get("members", ()):
        run = RunFolder(Path(member["run"]))
        scores = run.read_metrics()["parts"]["test"]["cell"] if run.metrics.is_file() else {}
        texts = [format_score(scores[name]) if scores else "" for name in MEMBER_SCORES]
        rows.append([member["name"], f"{member['weight']:.3f}", *texts])
    if not rows:
        return []
    titles = ["member", "weight", *map(title_over_cells, MEMBER_SCORES)]
    about = Text(
        "What the ensemble scores more than each of them, and their errors: compare/report.html beside this file."
    )
    table = Table("members", "The members, each alone on the test cells.", titles, rows, stacked=True)
    return [section("members", "Members", about, table)]


def _split(run: RunFolder, metrics: Mapping[str, Any]) -> Section:
    titles, *rows = tables.part_rows(run)
    caption = f"Patients in training, validation and test. Names joined by + are one patient: {summary.GROUPING}"
    table = Table("split", caption, titles, rows, stacked=True)
    return section("split", "Data split", Text(summary.split_text(metrics)), table)


def _training(run: RunFolder, settings: Mapping[str, Any], scored: sections.Scored) -> list[Section]:
    titles, *rows = tables.stage_rows(settings, run.read_history())
    if not rows:
        return []
    table = Table("stages", "The stages of the training.", titles, rows, stacked=True)
    return [section("training", "Training", scored.pictures.get("learning-curves"), table)]


def _reproduce(run: RunFolder, settings: Mapping[str, Any], environment: Mapping[str, Any]) -> Section:
    return section(
        "reproduce",
        "Reproduce this run",
        Text("Paths are shown by their last name."),
        Code(reproducing_command(settings)),
        Text(summary.HASHES),
        Table("software", "Software and machine.", (), tables.environment_rows(environment, run.read_seconds())),
    )
