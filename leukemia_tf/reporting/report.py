"""report.html and MODEL_CARD.md of a run, from its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import keras
from matplotlib.figure import Figure

from leukemia_tf.core.files import read_csv, read_json, write_atomically
from leukemia_tf.core.version import __version__
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.calibration import calibration_from_config
from leukemia_tf.reporting import page, summary, tables
from leukemia_tf.reporting.captions import figure_texts
from leukemia_tf.reporting.card import front_matter
from leukemia_tf.reporting.command_line import reproducing_command
from leukemia_tf.reporting.galleries import galleries
from leukemia_tf.reporting.provenance import provenance
from leukemia_tf.reporting.stress_section import stress_section
from leukemia_tf.runs.run_folder import RunFolder


def write_report(
    run: RunFolder,
    metrics: Mapping[str, Any],
    predictions: Sequence[Prediction],
    figures: Mapping[str, Figure],
    model: keras.Model,
    folder: Path,
) -> Path:
    """Write report.html, and MODEL_CARD.md beside it.

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
    model : keras.Model
        The run's network, for the heat maps.
    folder : pathlib.Path
        Where its cells lie.
    """
    settings, calibration = run.read_config(), calibration_from_config(metrics["decision"])
    environment = cast("dict[str, Any]", read_json(run.environment))
    values = _shared_values(run, metrics, settings, environment)
    wrong_cells = metrics.get("wrong_cells", ())
    stress = stress_section(run, metrics)
    others = [format_score(row["difference"]) for row in wrong_cells]
    others += [text for row in (stress.values or {"rows": []})["rows"] for text in row]
    report = page.render_report(
        {**figures, **stress.figures},
        {**figure_texts(metrics), **stress.texts},
        **{**values, "no_interval": values["no_interval"] or summary.no_interval_reason(others)},
        title=f"{settings['network']['name']}: {metrics['protocol']} split, seed {metrics['seed']}",
        validation=summary.validation_text(metrics),
        grouping=summary.GROUPING,
        patients=tables.patient_rows(run, predictions, calibration.threshold),
        wrong_text=summary.wrong_cells_text(wrong_cells),
        wrong_cells=tables.wrong_cell_groups(wrong_cells),
        stress=stress.values,
        galleries=galleries(model, folder, predictions, calibration),
        hashes=summary.HASHES,
        environment=tables.environment_rows(environment),
    )
    _write(run.card, page.render_card(**values, **_card_values(run, metrics, settings)))
    return _write(run.report, report)


def _shared_values(
    run: RunFolder, metrics: Mapping[str, Any], settings: Mapping[str, Any], environment: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what both templates show."""
    scores = tables.score_rows(metrics["parts"])
    return {
        "name": settings["network"]["name"],
        "network": summary.network_text(settings),
        "headline": summary.headline(metrics),
        "details": summary.details(metrics),
        "cautions": cautions(metrics, settings),
        "provenance": provenance(run, read_cells(run.cells), environment),
        "intervals": summary.INTERVALS,
        "permutation": summary.permutation_sentence(metrics["parts"]["test"]),
        "no_interval": summary.no_interval_reason(text for row in scores for text in row),
        "calibration": summary.calibration_text(metrics),
        "verdict": metrics["decision"].get("calibration_verdict", ""),
        "threshold": f"{metrics['decision']['threshold']:.3g}",
        "scores": scores,
        "split": summary.split_text(metrics),
        "labels": LABEL_NAMES,
        "parts": tables.part_rows(run),
        "stages": tables.stage_rows(settings, read_csv(run.history)),
        "command": reproducing_command(settings),
        "version": __version__,
    }


def _card_values(run: RunFolder, metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the card alone shows."""
    front = front_matter(metrics, settings)
    return {"front": front, "data": summary.data_text(metrics), "model_file": run.model.name}


def _write(path: Path, text: str) -> Path:
    return write_atomically(path, lambda scratch: scratch.write_text(text, encoding="utf-8", errors="replace"))
