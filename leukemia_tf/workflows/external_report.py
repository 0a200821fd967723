"""What external validation writes: predictions, figures, report.html, and metrics.json last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leukemia_tf.core.files import write_json
from leukemia_tf.data.catalog import Cell
from leukemia_tf.evaluation.figures import run_figures
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import Prediction, by_patient_group, write_predictions
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.reporting.captions import figure_texts, pictures
from leukemia_tf.reporting.external_page import external_page
from leukemia_tf.reporting.galleries import galleries
from leukemia_tf.reporting.page import write_page
from leukemia_tf.reporting.sections import Scored
from leukemia_tf.reporting.summary import calibration_text
from leukemia_tf.reporting.tables import names_by_group
from leukemia_tf.runs.run_folder import RunFolder

WHOSE = "external"  # the cells, in what is written about them


@dataclass(frozen=True)
class External:
    """A network with its predictions of another folder's cells.

    Parameters
    ----------
    network : pathlib.Path
        Its file.
    run : RunFolder or None
        Its run, if there is one.
    model : keras.Model
        The network.
    folder : pathlib.Path
        Where the cells lie.
    cells : sequence of Cell
        The labelled cells.
    groups : sequence of sequence of str
        The names that are one patient.
    predictions : sequence of Prediction
        One a cell.
    """

    network: Path
    run: RunFolder | None
    model: keras.Model
    folder: Path
    cells: Sequence[Cell]
    groups: Sequence[Sequence[str]]
    predictions: Sequence[Prediction]

    @cached_property
    def grouped(self) -> list[Prediction]:
        """The predictions with patient groups in place of patients."""
        return by_patient_group(self.predictions, self.groups)


def write_external(out: RunFolder, external: External, metrics: Mapping[str, Any], areas: np.ndarray) -> None:
    """Write the files of external validation.

    Parameters
    ----------
    out : RunFolder
        The folder to write.
    external : External
        What was predicted.
    metrics : mapping
        The content of metrics.json, which is written last.
    areas : numpy.ndarray
        float [n], of the cells in pixels.
    """
    calibration, grouped = get_calibration(external.model), external.grouped
    figures = run_figures(grouped, [], metrics, areas)
    threshold = f"{calibration.threshold:.3g}"
    texts = figure_texts(metrics["parts"]["test"], threshold, calibration_text(metrics), WHOSE)
    names = names_by_group(external.cells, external.groups)
    scored = Scored(grouped, calibration.threshold, pictures(figures, texts), names, external.folder, WHOSE)
    examples = galleries(external.model, external.folder, grouped, calibration)
    page = external_page(external.network, external.run, metrics, scored, external.cells, examples)
    write_predictions(out.predictions("test"), external.predictions)
    for name, figure in figures.items():
        save(figure, out.figure(name))
    write_page(out.report, page)
    write_json(out.metrics, metrics)
