"""The tables of report and model card: rows of text from a run's files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from leukemia_tf.data.catalog import Cell, read_cells
from leukemia_tf.data.patient_groups import groups_by_patient, natural_key, patient_group_names
from leukemia_tf.data.splits import PARTS
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays
from leukemia_tf.evaluation.scores import score_texts
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.history import stage_table

PRIMARY = ("auroc_by_patient", "auroc", "auprc", "weighted_f1")  # above all other metrics
PSEUDO_LABELLED = "train, pseudo-labelled"
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


def score_rows(test: Mapping[str, Any]) -> list[list[str]]:
    """Return a row per metric: its title, then its score over cells, by patient (mean), by patient (vote)."""
    return [[METRICS[name].title, *score_texts(test, name)] for name in dict.fromkeys((*PRIMARY, *METRICS))]


def part_rows(run: RunFolder) -> list[list[str]]:
    """Return a row per part: its name, cells of either class, patients of either class, and the patients' names."""
    cells_of: dict[str, list[Cell]] = defaultdict(list)
    for cell in read_cells(run.cells):
        cells_of[cell.split if cell.pseudo is None else PSEUDO_LABELLED].append(cell)
    group_of = groups_by_patient(run.read_config()["data"].get("same_patients", ()))
    rows = []
    for part in (PARTS[0], *([PSEUDO_LABELLED] if PSEUDO_LABELLED in cells_of else []), *PARTS[1:]):
        by_label = [[cell for cell in cells_of[part] if cell.label == label] for label in LABEL_NAMES]
        counts = [len(cells) for cells in by_label]
        counts += [len(set(patient_group_names(cells, group_of))) for cells in by_label]
        names = [name for cells in by_label for name in sorted({cell.patient for cell in cells}, key=natural_key)]
        rows.append([part, *(f"{count:,}" for count in counts), ", ".join(names)])
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


def patient_rows(predictions: Sequence[Prediction], threshold: float) -> list[list[str]]:
    """Return a row per patient: name, label, cells, accuracy, mean probability, share of cells predicted `all`."""
    _, probabilities, patients = arrays(predictions)
    label_of = {row.patient: row.label for row in reversed(predictions)}
    rows = []
    for patient in sorted(label_of, key=natural_key):
        values, label = probabilities[patients == patient], label_of[patient]
        positive = np.mean(values >= threshold)
        accuracy = positive if label == "all" else 1 - positive
        numbers = (f"{len(values):,}", f"{accuracy:.0%}", f"{values.mean():.3f}", f"{positive:.0%}")
        rows.append([patient, LABEL_NAMES[label], *numbers])
    return rows


def environment_rows(environment: Mapping[str, Any]) -> list[list[str]]:
    """Return versions and machine, one per row."""
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    computed_on = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in environment["computed_on"].items())
    return [
        ["leukemia_tf", f"{environment['leukemia_tf']}, commit {environment['commit'] or 'unknown'}"],
        ["packages", f"Python {environment['python']}, {packages}"],
        ["machine", f"{environment['platform']}, {environment['cores']} cores"],
        ["computed on", computed_on],
    ]
