"""report.html and MODEL_CARD.md of a run, from its files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, cast

import keras
from matplotlib.figure import Figure

from leukemia_tf.core.files import read_csv, read_json, write_atomically
from leukemia_tf.core.version import __version__
from leukemia_tf.evaluation.bootstrap import RESAMPLES
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.models.calibration import Calibration
from leukemia_tf.reporting import page, summary, tables
from leukemia_tf.reporting.command_line import reproducing_command
from leukemia_tf.reporting.galleries import galleries
from leukemia_tf.runs.run_folder import RunFolder

CARD_METRICS = (  # Hugging Face's type, our key, the name shown
    ("roc_auc", "auroc_by_patient", "AUROC by patient"),
    ("roc_auc", "auroc", "AUROC over cells"),
    ("f1", "weighted_f1", "weighted F1"),
)


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
    settings, calibration = run.read_config(), Calibration(**metrics["decision"])
    values = _shared_values(run, metrics, settings)
    card = page.render_card(**values, front=_front_matter(metrics, settings))
    report = page.render_report(
        figures,
        summary.alt_texts(metrics),
        **values,
        protocol=metrics["protocol"],
        seed=metrics["seed"],
        resamples=f"{RESAMPLES:,}",
        patients=tables.patient_rows(predictions, calibration.threshold),
        galleries=galleries(model, folder, predictions, calibration),
        environment=tables.environment_rows(cast("dict[str, Any]", read_json(run.environment))),
    )
    _write(run.card, card)
    return _write(run.report, report)


def _shared_values(run: RunFolder, metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what both templates show."""
    return {
        "name": settings["network"]["name"],
        "network": summary.network_text(settings),
        "headline": summary.headline(metrics),
        "details": summary.details(metrics),
        "cautions": summary.cautions(metrics, settings),
        "calibration": summary.calibration_text(metrics),
        "threshold": f"{metrics['decision']['threshold']:.3g}",
        "scores": tables.score_rows(metrics["parts"]["test"]),
        "split": summary.split_text(metrics),
        "labels": LABEL_NAMES,
        "parts": tables.part_rows(run),
        "stages": tables.stage_rows(settings, read_csv(run.history)),
        "command": reproducing_command(settings),
        "version": __version__,
    }


def _write(path: Path, text: str) -> Path:
    return write_atomically(path, lambda scratch: scratch.write_text(text, encoding="utf-8", errors="replace"))


def _front_matter(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the model card's front matter as Hugging Face reads it: YAML, here as its subset JSON."""
    test, name = metrics["parts"]["test"]["cell"], settings["network"]["name"]
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"name": metrics["data"], "type": metrics["data"], "split": f"test, by {metrics['protocol']}"},
        "metrics": [
            {"type": kind, "name": title, "value": test[key]["value"]}
            for kind, key, title in CARD_METRICS
            if isfinite(test[key]["value"])
        ],
    }
    front = {
        "license": "apache-2.0",
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["leukemia", "microscopy", "white-blood-cells", settings["train"]["base"]],
        "metrics": ["roc_auc", "f1"],
        "model-index": [{"name": name, "results": [result]}],
    }
    return {key: json.dumps(value) for key, value in front.items()}
