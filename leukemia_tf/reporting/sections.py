"""The sections that the pages of a run and of a cross-validation share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.evaluation.scores import INTERVALS
from leukemia_tf.reporting import summary, tables
from leukemia_tf.reporting.blocks import Picture, Section, Table, Text, section
from leukemia_tf.reporting.montage import error_montage
from leukemia_tf.reporting.threshold_slider import threshold_slider, threshold_table

CURVES = ("confusion-matrix", "roc", "precision-recall", "calibration")
PATIENTS_CAPTION = (
    "patients, most cells first. A patient group is one patient, under one or several names; correct: the share of the "
    "cells that are predicted as labelled."
)
WRONG_CAPTION = (
    "Size, outline and share of black of the misclassified cells (wrong) and of the others (right): means over the "
    "patients who have both, and the difference within patients, wrong minus right, with its 95 % interval over "
    "patients. A difference whose interval holds 0 may be chance."
)


@dataclass(frozen=True)
class Scored:
    """Scored predictions with what was drawn of them.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`.
    thresholds : float or numpy.ndarray
        Of the decision; one for all, or float [n].
    pictures : mapping of str to Picture
        As from `pictures`.
    names_of : mapping of str to str
        The names of each patient group, joined by commas.
    folder : pathlib.Path or None
        Where the cells lie.
    whose : str
        Which cells, such as `test`.
    """

    predictions: Sequence[Prediction]
    thresholds: float | np.ndarray
    pictures: Mapping[str, Picture]
    names_of: Mapping[str, str]
    folder: Path | None
    whose: str = "test"


def how_scored(threshold: str) -> Text:
    """Return what the scores mean."""
    return Text(
        f"In brackets: {INTERVALS}. A score over patients takes one number of each patient: the mean of the cells' "
        "probabilities, or the majority vote of the cells. AUROC by patient is over cells, where every patient of a "
        f"class has the same weight. A cell is predicted {LABEL_NAMES['all']} at {threshold} or more."
    )


def performance(scored: Scored, calibration: str, verdict: str = "") -> Section:
    """Return the section of confusion matrix, curves, calibration and threshold."""
    lead = Text("", f"Calibration: {verdict}.") if verdict else None
    blocks = [scored.pictures.get(name) for name in CURVES]
    return section("performance", "Performance and calibration", *blocks, lead, Text(calibration))


def threshold_section(scored: Scored, more: str = "") -> Section:
    """Return the section of the threshold: histogram with slider, and the table."""
    slider = threshold_slider(scored.predictions, scored.thresholds, scored.pictures["histogram"])
    about = f"What another threshold would change on these {scored.whose} cells. A threshold that is chosen on them is "
    text = Text(f"{about}too optimistic: choose it on other patients. {more}".strip())
    return section("threshold", "Threshold", text, slider, threshold_table(scored.predictions, scored.thresholds))


def patients_section(scored: Scored) -> Section:
    """Return the section of the patients: strip plot and table."""
    titles, *rows = tables.patient_rows(scored.names_of, scored.predictions, scored.thresholds)
    caption = f"The {scored.whose} {PATIENTS_CAPTION}"
    table = Table("patients", caption, titles, rows, stacked=True)
    return section(
        "patients", f"{scored.whose[0].upper()}{scored.whose[1:]} patients", scored.pictures["patients"], table
    )


def wrong_section(scored: Scored, comparison: Sequence[Mapping[str, Any]]) -> Section:
    """Return the section of the misclassified cells: against cell size, against right cells, and by patient."""
    groups = tables.wrong_cell_groups(comparison)
    table = None
    if groups:
        rows = [row for group in groups for row in group["rows"]]
        titles = ("measure", "wrong", "right", "wrong minus right")
        table = Table(
            "wrong-cells", WRONG_CAPTION, titles, rows, [(group["title"], len(group["rows"])) for group in groups]
        )
    text = Text(summary.wrong_cells_text(comparison)) if comparison else None
    montage = error_montage(scored.predictions, scored.thresholds, scored.folder)
    size = scored.pictures.get("errors-by-size")
    return section("wrong-cells", "Wrong cells", size, text, table, *montage)
