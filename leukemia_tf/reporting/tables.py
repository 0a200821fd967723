"""The tables of report and model card: rows of text from a run's files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukemia_tf.core.timing import time_text
from leukemia_tf.data.catalog import Cell, read_cells
from leukemia_tf.data.patient_groups import groups_by_patient, natural_key, patient_group_names
from leukemia_tf.data.splits import PARTS
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.patient_table import patient_table
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.evaluation.scores import UNITS, format_score, score_texts
from leukemia_tf.reporting.cell_shape import SHAPES
from leukemia_tf.reporting.provenance import version_text
from leukemia_tf.reporting.wrong_cells import CLASS_NAMES
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.history import stage_table

PRIMARY = ("auroc_by_patient", "auroc", "auprc", "weighted_f1")  # above all other metrics
PSEUDO_LABELLED = "train, pseudo-labelled"
PATIENT_COLUMNS = (
    *("patient group", "names", "label", "cells", "correct", "mean probability"),
    *(f"predicted {LABEL_NAMES['all']}", "AUROC"),
)
STAGE_COLUMNS = {
    "name": "stage",
    "learning": "trainable blocks",
    "image_size": "image size",
    "planned": "planned epochs",
    "run": "epochs run",
    "kept": "kept epoch",
    "learning_rate": "learning rate",
    "schedule": "schedule",
}


def score_rows(parts: Mapping[str, Any]) -> list[list[str]]:
    """Return the titles, then a row per metric: on the test cells, the validation cells, and the test patients.

    Parameters
    ----------
    parts : mapping
        As in metrics.json; where there is no `val`, neither is its column.
    """
    test, val = parts["test"], parts.get("val")
    over_cells, *over_patients = (f"test, {unit}" for unit in UNITS.values())
    middle = [f"validation, {UNITS['cell']}"] if val else []
    rows = [["metric", over_cells, *middle, *over_patients]]
    for name in dict.fromkeys((*PRIMARY, *METRICS)):
        first, *others = score_texts(test, name)
        rows.append([METRICS[name].title, first, *(score_texts(val, name)[:1] if val else []), *others])
    return rows


def pooled_score_rows(parts: Mapping[str, Any]) -> list[list[str]]:
    """Return the titles, then a row per metric, of scored parts: each over cells and over patients.

    Parameters
    ----------
    parts : mapping of str to mapping
        As from `score_part`, by what is written before their columns; empty for a single one.
    """
    titles = [f"{name}, {unit}" if name else unit for name in parts for unit in UNITS.values()]
    names = dict.fromkeys((*PRIMARY, *METRICS))
    return [
        ["metric", *titles],
        *(
            [METRICS[name].title, *(text for part in parts.values() for text in score_texts(part, name))]
            for name in names
        ),
    ]


def part_rows(run: RunFolder) -> list[list[str]]:
    """Return the titles, then a row per part: cells of either class, patient groups of either class, and the groups."""
    titles = [f"{unit}, {name}" for unit in ("cells", "patients") for name in LABEL_NAMES.values()]
    cells_of: dict[str, list[Cell]] = defaultdict(list)
    for cell in read_cells(run.cells):
        cells_of[cell.split if cell.pseudo is None else PSEUDO_LABELLED].append(cell)
    group_of = groups_by_patient(run.read_config()["data"].get("same_patients", ()))
    rows = [["part", *titles, "the patient groups"]]
    for part in (PARTS[0], *([PSEUDO_LABELLED] if PSEUDO_LABELLED in cells_of else []), *PARTS[1:]):
        by_label = [[cell for cell in cells_of[part] if cell.label == label] for label in LABEL_NAMES]
        groups = [sorted(set(patient_group_names(cells, group_of).tolist()), key=natural_key) for cells in by_label]
        counts = [*map(len, by_label), *map(len, groups)]
        rows.append([part, *(f"{count:,}" for count in counts), ", ".join(name for names in groups for name in names)])
    return rows


def stage_rows(settings: Mapping[str, Any], history: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Return the titles, then a row per stage that ran."""
    rows = [list(STAGE_COLUMNS.values())]
    for outcome in stage_table(settings, history):
        stage = outcome.record
        size = stage["image_size"] or settings["network"]["image_size"]
        blocks = ", ".join(("head", *reversed(stage["learning"])))
        epochs = {"planned": outcome.planned, "run": outcome.run, "kept": outcome.kept or "none"}
        values = {**stage, **epochs, "image_size": size, "learning": blocks}
        rows.append([str(values[name]) for name in STAGE_COLUMNS])
    return rows


def patient_rows(
    names_of: Mapping[str, str], predictions: Sequence[Prediction], threshold: float | np.ndarray
) -> list[list[str]]:
    """Return the titles, then a row per patient group, those with most cells first.

    Parameters
    ----------
    names_of : mapping of str to str
        As from `names_by_group`.
    predictions : sequence of Prediction
        As from `by_patient_group`.
    threshold : float or numpy.ndarray
        Of the decision; one for all, or float [n].
    """
    rows = [[*PATIENT_COLUMNS]]
    table = sorted(patient_table(predictions, threshold), key=lambda row: natural_key(row["patient"]))
    for row in sorted(table, key=lambda row: -row["cells"]):
        patient, label, positive = row["patient"], row["label"], row["called_all"]
        correct = positive if label == "all" else 1 - positive
        names = names_of.get(patient) or names_of[patient.removesuffix(f" ({label})")]  # a name under both labels
        area = "undefined" if row["auroc"] is None else f"{row['auroc']:.3f}"
        shares = (f"{correct:.0%}", f"{row['probability']:.3f}", f"{positive:.0%}", area)
        rows.append([patient, names, LABEL_NAMES[label], f"{row['cells']:,}", *shares])
    return rows


def names_by_group(cells: Sequence[Cell], same: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return the names of each patient group, joined by commas; `same`: names of one patient."""
    groups = patient_group_names(cells, groups_by_patient(same))
    names_of: dict[str, set[str]] = defaultdict(set)
    for cell, group in zip(cells, groups.tolist()):
        names_of[group].add(cell.patient)
    return {group: ", ".join(sorted(names, key=natural_key)) for group, names in names_of.items()}


def wrong_cell_groups(comparison: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return `title` and `rows` of each class that has a wrong cell, from `compare_wrong_cells`.

    A row: the measure, its mean over the wrong and over the right cells, and the difference.
    """
    groups = []
    for name, title in CLASS_NAMES.items():
        of_class = [row for row in comparison if row["class"] == name and row["wrong_cells"]]
        if of_class:
            first = of_class[0]
            counts = f"{first['wrong_cells']:,} wrong and {first['right_cells']:,} right cells"
            text = f"{title}: {counts}; {first['patients']} patients have both"
            groups.append({"title": text, "rows": [_wrong_cell_row(row) for row in of_class]})
    return groups


def _wrong_cell_row(row: Mapping[str, Any]) -> list[str]:
    name, unit, digits = SHAPES[row["measure"]]
    means = (_number(row[side], digits) for side in ("wrong", "right"))
    return [f"{name}, {unit}", *means, format_score(row["difference"], "+", digits)]


def _number(value: float | None, digits: int) -> str:
    return "undefined" if value is None or not np.isfinite(value) else f"{value:,.{digits}f}"


def _text(value: Any) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def environment_rows(environment: Mapping[str, Any], seconds: Mapping[str, float]) -> list[list[str]]:
    """Return versions, machine and, if they were recorded, the seconds of a run, one per row."""
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    computed = (f"{name.replace('_', ' ')}: {_text(value)}" for name, value in environment["computed_on"].items())
    return [
        ["leukemia_tf", version_text(environment)],
        ["packages", f"Python {environment['python']}, {packages}"],
        ["machine", f"{environment['platform']}, {environment['cores']} cores"],
        ["computed on", ", ".join(computed)],
        *([["time, without this report", time_text(seconds)]] if seconds else []),
    ]
