"""report.html and MODEL_CARD.md of a run: what its files say, put together for a reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.run import RunFolder

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from leukemia_tf.evaluation.predictions import Prediction

CARD = (
    ("roc_auc", "auroc_by_patient", "AUROC by patient"),
    ("roc_auc", "auroc", "AUROC over cells"),
    ("f1", "weighted_f1", "weighted F1"),
)


def write_report(
    run: RunFolder,
    metrics: dict,
    predictions: Sequence[Prediction],
    figures: dict[str, Figure],
    model: keras.Model,
    folder: Path,
) -> Path:
    """Write report.html, and MODEL_CARD.md beside it.

    Parameters
    ----------
    run : RunFolder
        With its settings and cells.
    metrics : dict
        What goes into metrics.json.
    predictions : sequence of Prediction
        On the test part, as from `by_person`.
    figures : dict of str to matplotlib.figure.Figure
        As from `run_figures`.
    model : keras.Model
        The run's, for the heat maps.
    folder : pathlib.Path
        Where its cells lie.
    """
    import leukemia_tf
    from leukemia_tf.evaluation import page, tables, verdict
    from leukemia_tf.evaluation.bootstrap import RESAMPLES
    from leukemia_tf.files import read_json, write_atomically
    from leukemia_tf.galleries import galleries
    from leukemia_tf.models.decision import Decision

    settings = run.read_config()
    environment = read_json(run.environment)
    test, decision = metrics["parts"]["test"], Decision(**metrics["decision"])
    threshold = decision.threshold
    values = {
        "name": settings["network"]["name"],
        "about": tables.about(settings),
        "headline": verdict.headline(metrics),
        "verdict": verdict.verdict(metrics),
        "cautions": verdict.cautions(metrics, settings),
        "threshold": f"{threshold:.3g}",
        "scores": tables.scores(test),
        "leak": tables.leak(metrics),
        "parts": tables.parts(run),
        "stages": tables.stages(settings),
        "calibration": verdict.calibration_said(metrics),
        "command": tables.command(settings),
        "version": leukemia_tf.__version__,
    }
    text = page.render(
        figures,
        verdict.alt_texts(metrics),
        **values,
        protocol=metrics["protocol"],
        seed=metrics["seed"],
        resamples=f"{RESAMPLES:,}",
        patients=tables.patients(predictions, threshold),
        galleries=galleries(model, folder, predictions, decision),
        environment=tables.made_with(environment),
    )
    card = page.render_card(**values, front=_front(metrics, settings))
    write_atomically(run.card, lambda scratch: scratch.write_text(card, encoding="utf-8", errors="replace"))
    return write_atomically(run.report, lambda scratch: scratch.write_text(text, encoding="utf-8", errors="replace"))


def _front(metrics: dict, settings: dict) -> dict[str, str]:
    """Return the model card's front matter, as Hugging Face reads it: YAML, of which JSON is a part."""
    test, name = metrics["parts"]["test"]["cell"], settings["network"]["name"]
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"name": metrics["data"], "type": metrics["data"], "split": f"test, by {metrics['protocol']}"},
        "metrics": [
            {"type": kind, "name": written_name, "value": test[key]["value"]}
            for kind, key, written_name in CARD
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
