"""Scores of heat-map methods, with intervals over patients, and their table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import mean_over_patients
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.explain.activations import activations, responses
from leukemia_tf.explain.faithfulness import Faithfulness, agreement
from leukemia_tf.explain.frame import Frame
from leukemia_tf.explain.regions import boundary_zones, cell_parts

PARTS, ZONES = ("cell", "core", "rim"), ("inside", "edge", "outside")

Mean = Callable[[Sequence[float] | np.ndarray], Mapping[str, float | None]]


def patients_of(rows: Sequence[Prediction]) -> dict[str, dict[str, int]]:
    """Return the number of patients of either class."""
    patients = {(row.label, row.patient) for row in rows}
    return {"patients": {name: sum(label == name for label, _ in patients) for name in LABELS}}


def scores(results: Mapping[str, Faithfulness], frames: Sequence[Frame], scale: float) -> dict[str, dict[str, Any]]:
    """Return the scores of each method.

    Parameters
    ----------
    results : mapping of str to Faithfulness
        As from `measure_faithfulness`.
    frames : sequence of Frame
        The cells.
    scale : float
        The unit of deletion and insertion, in logits.

    Returns
    -------
    dict
        `methods`: by name `deletion`, `insertion`, `more_than_random` (both again) and `heat` (by part), each
        `{"value", "low", "high"}`, `shuffled` (by what was shuffled) and `milliseconds`; `area`: the share of each part
        in the network's input, which is the heat of a constant map; `agreement`: by two names.
    """
    mean = _mean_of(frames)
    random, correlations = results["random"].gains / scale, agreement(results, frames)
    inputs = [cell_parts(frame.cells[0][0]) for frame in frames]
    return {
        "methods": {name: _method_scores(result, random, scale, mean) for name, result in results.items()},
        "area": {part: mean([parts[part].mean() for parts in inputs]) for part in PARTS},
        "agreement": {name: dict(zip(results, row)) for name, row in zip(results, correlations.tolist())},
    }


def _method_scores(result: Faithfulness, random: np.ndarray, scale: float, mean: Mean) -> dict[str, Any]:
    """Return one method's scores; `random` are the gains of the random map, float [cells, 2]."""
    gains = dict(zip(("deletion", "insertion"), (result.gains / scale).T))
    return {
        **{key: mean(values) for key, values in gains.items()},
        "more_than_random": {key: mean(values - base) for (key, values), base in zip(gains.items(), random.T)},
        "heat": {part: mean([share[part] for share in result.shares]) for part in PARTS},
        "shuffled": {level: float(np.mean(values)) for level, values in result.shuffled.items()},
        "milliseconds": result.milliseconds,
    }


def layers(model: keras.Model, frames: Sequence[Frame]) -> dict[str, dict[str, Any]]:
    """Return where each layer is active, as from `responses` with intervals, and its filters silent on every cell."""
    mean = _mean_of(frames)
    rows: dict[str, list[dict[str, float]]] = {}
    active: dict[str, np.ndarray] = {}
    for frame in frames:
        zones = boundary_zones(frame.cells[0][0])
        for name, maps in activations(model, frame.cells[0]).items():
            rows.setdefault(name, []).append(responses(maps, zones))
            active[name] = active.get(name, False) | (np.ptp(maps, (0, 1)) > 0)
    return {
        name: {
            "filters": layer_rows[0]["filters"],
            "silent": int((~active[name]).sum()),
            **{zone: mean([row[zone] for row in layer_rows]) for zone in ZONES},
        }
        for name, layer_rows in rows.items()
    }


def _mean_of(frames: Sequence[Frame]) -> Mean:
    """Return the function from one number per cell to their mean over patients, with its interval."""
    labels = np.array([LABELS.index(frame.prediction.label) for frame in frames])
    patients = np.array([frame.prediction.patient for frame in frames])
    return lambda values: mean_over_patients(np.asarray(values, float), labels, patients)


def table(check: Mapping[str, Any]) -> str:
    """Return the methods' scores, a line each; `check` is the content of explain-check.json."""
    leukemic, normal = check["patients"]["all"], check["patients"]["hem"]
    area = ", ".join(f"{part} {check['area'][part]['value']:.0%}" for part in PARTS)
    lines = [
        f"{check['cells']} test cells of {leukemic} leukemic and {normal} normal patients, 95 % over patients, "
        f"layer {check['layer']}, seed {check['seed']}",
        "deletion, insertion: mean fall and rise of the logit, in its standard deviations, more is better",
        f"heat: shares in the cell, its core and on its rim; a constant map has {area}",
        "shuffled: rank correlation with the maps after shuffling the weights of the head, and of all; 0 is good",
        f"{'':<22}{'deletion':<24}{'insertion':<24}{'insertion less random':<26}{'cell':>6}{'core':>6}{'rim':>6}"
        f"{'head':>7}{'all':>7}{'ms':>8}",
    ]
    return "\n".join([*lines, *(_line(name, row) for name, row in check["methods"].items())])


def _line(name: str, row: Mapping[str, Any]) -> str:
    shares = "".join(f"{row['heat'][part]['value']:>6.0%}" for part in PARTS)
    levels = list(row["shuffled"].values())
    shuffled = f"{levels[0]:>7.2f}{levels[-1]:>7.2f}{row['milliseconds']:>8.0f}" if levels else ""
    gain = format_score(row["more_than_random"]["insertion"], "+")
    return (
        f"{name:<22}{format_score(row['deletion']):<24}{format_score(row['insertion']):<24}{gain:<26}{shares}{shuffled}"
    )
