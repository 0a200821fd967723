"""report.html and MODEL_CARD.md of a run: what its files say, put together for a reader."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite, log
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.config import TrainConfig
from leukemia_tf.run import RunFolder

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

    from leukemia_tf.evaluation.predictions import Prediction
    from leukemia_tf.models.decision import Decision

SHOWN = 5  # cells of a gallery
THUMB = 170  # pixels
CARD = (
    ("roc_auc", "auroc_by_patient", "AUROC by patient"),
    ("roc_auc", "auroc", "AUROC over cells"),
    ("f1", "weighted_f1", "weighted F1"),
)
STAGE = ("name", "learning", "image_size", "epochs", "learning_rate", "schedule")


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
    from leukemia_tf.evaluation import page, verdict
    from leukemia_tf.evaluation.bootstrap import RESAMPLES
    from leukemia_tf.evaluation.scores import UNITS
    from leukemia_tf.files import write_atomically
    from leukemia_tf.models.decision import Decision

    settings = run.read_config()
    environment = json.loads(run.environment.read_text(encoding="utf-8"))
    test, decision = metrics["parts"]["test"], Decision(**metrics["decision"])
    threshold = decision.threshold
    values = {
        "name": settings["network"]["name"],
        "about": _about(settings),
        "headline": verdict.headline(metrics),
        "verdict": verdict.verdict(metrics),
        "cautions": verdict.cautions(metrics, settings),
        "threshold": f"{threshold:.3g}",
        "scores": [[label, *(_told(test, unit, key) for unit in UNITS)] for key, label in verdict.NAMES.items()],
        "leak": _leak(metrics),
        "parts": _parts(run),
        "stages": _stages(settings),
        "calibration": verdict.calibration_said(metrics),
        "command": _command(settings),
        "version": leukemia_tf.__version__,
    }
    text = page.render(
        figures,
        verdict.alt_texts(metrics),
        **values,
        protocol=metrics["protocol"],
        seed=metrics["seed"],
        resamples=f"{RESAMPLES:,}",
        patients=_patients(predictions, threshold),
        galleries=_galleries(model, folder, predictions, decision),
        environment=_environment(environment),
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


def _told(test: dict, unit: str, metric: str) -> str:
    """Return a score as text; a share of votes is no probability, and has no calibration."""
    from leukemia_tf.evaluation.scores import written

    return "" if unit == "patient_vote" and metric in ("brier", "ece") else written(test[unit][metric])


def _command(settings: dict) -> str:
    """Return the command that trains such a run: the flags that are not the defaults, and where the cells lay."""
    asked = settings["asked"]
    if settings["data"]["name"] != "embedded":
        asked = {**asked, "data": settings["data"]["folder"]}
    words = ["python", "-m", "leukemia_tf.train"]
    plain = _flags(json.loads(json.dumps(asdict(TrainConfig()))))
    for flag, value in _flags(asked).items():
        if value != plain.get(flag) and flag not in ("--out", "--resume"):
            plainly = isinstance(value, bool) and not flag.startswith("--augment")
            words += [flag] if plainly else [flag, *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(words)


def _flags(settings: dict, prefix: str = "--") -> dict[str, object]:
    flags = {}
    for name, value in settings.items():
        flag = prefix + name.replace("_", "-")
        flags |= _flags(value, f"{flag}.") if isinstance(value, dict) else {flag: value}
    return flags


def _about(settings: dict) -> str:
    network, asked = settings["network"], settings["train"]
    weights = Path(settings["weights"]["source"]).name
    size, view = network["image_size"], f"framing {asked['framing']}, contrast {asked['contrast']}"
    return f"{network['parameters']:,} parameters, {size} pixels, weights {weights}; {view}; {settings['data']['name']}"


def _leak(metrics: dict) -> str:
    if metrics["protocol"] == "image":
        return "Split by image: cells of one patient stand in several parts, and every score is too high."
    return (
        "No patient stands in two parts, counting patients who share a picture, or one cell photographed twice, as "
        "one: every run checks that, or stops."
    )


def _parts(run: RunFolder) -> list[list[str]]:
    from leukemia_tf.data.catalog import LABELS, read_cells
    from leukemia_tf.data.splits import PARTS, natural

    cells, rows = read_cells(run.cells), []
    same = run.read_config()["data"].get("same_patients", ())
    joined = {name: "+".join(group) for group in same for name in group}
    for part in PARTS:
        own = {label: [c for c in cells if (c.split, c.label) == (part, label)] for label in LABELS[::-1]}
        whose = {label: sorted({cell.patient for cell in found}, key=natural) for label, found in own.items()}
        people = [{joined.get(patient, patient) for patient in patients} for patients in whose.values()]
        counts = (f"{len(values):,}" for values in (*own.values(), *people))
        rows.append([part, *counts, ", ".join(patient for patients in whose.values() for patient in patients)])
    return rows


def _stages(settings: dict) -> list[list[str]]:
    rows = [[str(name).replace("_", " ") for name in STAGE]]
    for stage in settings["stages"]:
        size = stage["image_size"] or settings["network"]["image_size"]
        told = {**stage, "image_size": size, "learning": ", ".join(stage["learning"]) or "the head"}
        rows.append([str(told[name]) for name in STAGE])
    return rows


def _patients(predictions: Sequence[Prediction], threshold: float) -> list[list[str]]:
    from leukemia_tf.data.splits import natural

    rows = []
    for patient in sorted({row.patient for row in predictions}, key=natural):
        own = [row.probability for row in predictions if row.patient == patient]
        truth = next(row.label for row in predictions if row.patient == patient)
        vote = sum(probability >= threshold for probability in own) / len(own)
        right = vote if truth == "all" else 1 - vote
        rows.append([patient, truth, f"{len(own):,}", f"{right:.0%}", f"{sum(own) / len(own):.3f}", f"{vote:.0%}"])
    return rows


def _galleries(model: keras.Model, folder: Path, predictions: Sequence[Prediction], decision: Decision) -> list[dict]:
    """Return the surest right and the surest wrong cells of either class, one patient's no more than it must."""
    from leukemia_tf.data.catalog import LABELS

    groups = {}
    for label in LABELS[::-1]:
        for right, word in ((True, "right"), (False, "wrong")):
            found = [row for row in predictions if row.label == label and (row.prediction == label) == right]
            if found:
                groups[f"{label}, {word}: the surest of {len(found):,}"] = _spread(found, decision)
    shown = iter(_shown(model, folder, [row for rows in groups.values() for row in rows]))
    return [{"title": title, "cells": [next(shown) for _ in rows]} for title, rows in groups.items()]


def _spread(rows: Sequence[Prediction], decision: Decision) -> list[Prediction]:
    """Return the rows farthest from the threshold, each patient's first, then each one's second, and so on."""
    line = decision.temperature * log(decision.threshold / (1 - decision.threshold))
    turns: dict[str, int] = {}
    ranked = []
    for row in sorted(rows, key=lambda row: -abs(row.logit - line)):
        turns[row.patient] = turns.get(row.patient, 0) + 1
        ranked.append((turns[row.patient], -abs(row.logit - line), row.path, row))
    return [row for *_, row in sorted(ranked)[:SHOWN]]


def _shown(model: keras.Model, folder: Path, rows: Sequence[Prediction]) -> list[dict]:
    """Return what the page says of each cell: the picture beside the picture with its heat map, and words."""
    import numpy as np

    from leukemia_tf.evaluation.page import picture_source
    from leukemia_tf.explain.frame import frame_of, to_original
    from leukemia_tf.explain.gradcam import gradcam
    from leukemia_tf.explain.pictures import overlay

    frames = [frame_of(model, folder / row.path, row) for row in rows]
    signs = np.array([1.0 if row.prediction == "all" else -1.0 for row in rows])
    heats = gradcam(model, np.concatenate([frame.cell for frame in frames]), signs)
    shown = []
    for row, frame, coarse in zip(rows, frames, heats):
        heat = to_original(coarse, frame)
        pair = [_thumb(overlay(frame.image, shade), frame.box) for shade in (0 * heat, heat / (heat.max() or 1))]
        told = {"source": picture_source(np.hstack(pair)), "width": 2 * THUMB, "height": THUMB}
        alt = f"Cell of patient {row.patient}, {row.label}, said to be {row.prediction}, and Grad-CAM over it"
        shown.append({**told, "alt": alt, "caption": f"{Path(row.path).stem}: p = {row.probability:.3f}"})
    return shown


def _thumb(picture: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return what the network saw of a picture, float [h, w, 3] of 0-1, as uint8 [THUMB, THUMB, 3]."""
    import cv2

    top, left, height, width = box
    framed = picture[max(top, 0) : top + height, max(left, 0) : left + width].astype("float32")
    return (255 * cv2.resize(framed, (THUMB, THUMB), interpolation=cv2.INTER_AREA)).astype("uint8")


def _environment(environment: dict) -> list[list[str]]:
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    computed = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in environment["computed_on"].items())
    return [
        ["leukemia_tf", f"{environment['leukemia_tf']}, commit {environment['commit'] or 'unknown'}"],
        ["packages", f"Python {environment['python']}, {packages}"],
        ["machine", f"{environment['platform']}, {environment['cores']} cores"],
        ["computed on", computed],
    ]
