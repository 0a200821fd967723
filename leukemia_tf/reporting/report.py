"""report.html and MODEL_CARD.md of a run, from its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np

from leukemia_tf.core.files import read_json
from leukemia_tf.core.version import __version__
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.evaluation.figures import run_figures
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.evaluation.scores import INTERVALS
from leukemia_tf.models.calibration import calibration_from_config
from leukemia_tf.reporting import summary, tables
from leukemia_tf.reporting.blocks import Page
from leukemia_tf.reporting.card import front_matter
from leukemia_tf.reporting.command_line import reproducing_command
from leukemia_tf.reporting.galleries import galleries
from leukemia_tf.reporting.page import render_card, write_page, write_text
from leukemia_tf.reporting.provenance import provenance
from leukemia_tf.reporting.run_page import run_page
from leukemia_tf.runs.run_folder import RunFolder


def write_report(
    run: RunFolder,
    metrics: Mapping[str, Any],
    predictions: Sequence[Prediction],
    areas: np.ndarray,
    model: keras.Model,
    folder: Path,
) -> Page:
    """Write the figures, report.html, and MODEL_CARD.md beside it; return the page.

    Parameters
    ----------
    run : RunFolder
        With its settings, history and cells.
    metrics : mapping
        The content of metrics.json.
    predictions : sequence of Prediction
        On the test part, as from `by_patient_group`.
    areas : numpy.ndarray
        float [n], of these cells in pixels.
    model : keras.Model
        The run's network, for the heat maps.
    folder : pathlib.Path
        Where its cells lie.
    """
    figures = run_figures(predictions, run.read_history(), metrics, areas)
    for name, figure in figures.items():
        save(figure, run.figure(name))
    examples = galleries(model, folder, predictions, calibration_from_config(metrics["decision"]))
    page = run_page(run, metrics, predictions, figures, examples, folder)
    write_text(run.card, _card(run, metrics))
    write_page(run.report, page)
    return page


def _card(run: RunFolder, metrics: Mapping[str, Any]) -> str:
    settings, environment = run.read_config(), cast("dict[str, Any]", read_json(run.environment))
    scores = tables.score_rows(metrics["parts"])
    return render_card(
        front=front_matter(metrics, settings),
        name=settings["network"]["name"],
        network=summary.network_text(settings),
        headline=summary.headline(metrics),
        details=summary.details(metrics),
        cautions=cautions(metrics, settings),
        provenance=provenance(run, read_cells(run.cells), environment),
        data=summary.data_text(metrics),
        split=summary.split_text(metrics),
        parts=tables.part_rows(run),
        stages=tables.stage_rows(settings, run.read_history()),
        command=reproducing_command(settings),
        intervals=INTERVALS,
        scores=scores,
        permutation=summary.permutation_sentence(metrics["parts"]["test"]),
        no_interval=summary.no_interval_reason(text for row in scores for text in row),
        calibration=summary.calibration_text(metrics),
        verdict=metrics["decision"].get("calibration_verdict", ""),
        threshold=f"{metrics['decision']['threshold']:.3g}",
        software=tables.environment_rows(environment, run.read_seconds()),
        labels=LABEL_NAMES,
        model_file=run.model.name,
        version=__version__,
    )
