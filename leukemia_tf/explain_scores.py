"""What was measured of explanations, as numbers with intervals over patients, and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.bootstrap import mean_over_patients
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.evaluation.scores import written
from leukemia_tf.explain.activations import activations, responses
from leukemia_tf.explain.evidence import Evidence, agreement
from leukemia_tf.explain.frame import Frame
from leukemia_tf.explain.regions import belt_of, parts_of

PARTS, BELT = ("cell", "core", "rim"), ("inside", "edge", "outside")


def patients_of(rows: Sequence[Prediction]) -> dict[str, dict[str, int]]:
    """Return how many patients of either class rows are of."""
    pairs = {(row.label, row.patient) for row in rows}
    return {"patients": {label: sum(own == label for own, _ in pairs) for label in LABELS}}


def scores(found: Mapping[str, Evidence], frames: Sequence[Frame], scale: float, seed: int) -> dict[str, dict]:
    """Return what speaks for and against each method.

    Parameters
    ----------
    found : mapping of str to Evidence
        As from `gather`.
    frames : sequence of Frame
        The cells.
    scale : float
        The unit of deletion and insertion, in logits.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        `methods`: by name `deletion`, `insertion`, `more_than_random` (both again) and `heat` (by part), each
        `{"value", "low", "high"}`, `shuffled` (by what was shuffled) and `milliseconds`; `area`: the share of each part
        in what the network sees, which an even map has as heat; `agreement`: by two names.
    """
    mean = _mean_of(frames, seed)
    random, alike = found["random"].gains / scale, agreement(found, frames)
    methods = {}
    for name, evidence in found.items():
        own = dict(zip(("deletion", "insertion"), (evidence.gains / scale).T))
        methods[name] = {
            **{key: mean(values) for key, values in own.items()},
            "more_than_random": {key: mean(values - base) for (key, values), base in zip(own.items(), random.T)},
            "heat": {part: mean([share[part] for share in evidence.shares]) for part in PARTS},
            "shuffled": {level: float(np.mean(values)) for level, values in evidence.shuffled.items()},
            "milliseconds": evidence.milliseconds,
        }
    seen = [parts_of(frame.cells[0][0]) for frame in frames]
    return {
        "methods": methods,
        "area": {part: mean([own[part].mean() for own in seen]) for part in PARTS},
        "agreement": {name: dict(zip(found, row)) for name, row in zip(found, alike.tolist())},
    }


def layers(model: keras.Model, frames: Sequence[Frame], seed: int) -> dict[str, dict]:
    """Return where each layer is active, as from `responses` with intervals, and its filters silent on every cell."""
    mean = _mean_of(frames, seed)
    told: dict[str, list[dict]] = {}
    heard: dict[str, np.ndarray] = {}
    for frame in frames:
        belt = belt_of(frame.cells[0][0])
        for name, maps in activations(model, frame.cells[0]).items():
            told.setdefault(name, []).append(responses(maps, belt))
            heard[name] = heard.get(name, False) | (np.ptp(maps, (0, 1)) > 0)
    return {
        name: {
            **{"filters": rows[0]["filters"], "silent": int((~heard[name]).sum())},
            **{part: mean([row[part] for row in rows]) for part in BELT},
        }
        for name, rows in told.items()
    }


def _mean_of(frames: Sequence[Frame], seed: int) -> Callable[[Sequence[float]], dict[str, float]]:
    """Return what makes a number a cell a mean over patients, with its interval."""
    labels = np.array([LABELS.index(frame.prediction.label) for frame in frames])
    patients = np.array([frame.prediction.patient for frame in frames])
    return lambda values: mean_over_patients(np.asarray(values, float), labels, patients, seed)


def table(told: dict) -> str:
    """Return the methods' numbers, a line each."""
    leukemic, healthy = told["patients"]["all"], told["patients"]["hem"]
    area = ", ".join(f"{part} {told['area'][part]['value']:.0%}" for part in PARTS)
    lines = [
        f"{told['cells']} test cells of {leukemic} leukemic and {healthy} healthy patients, 95 % over patients, "
        f"layer {told['layer']}, seed {told['seed']}",
        "deletion, insertion: mean fall and rise of the logit, in its standard deviations, more is better",
        f"heat: shares in the cell, its core and on its rim; an even map has {area}",
        "shuffled: rank correlation with the maps of the network with its head, and all of it, shuffled; 0 is good",
        f"{'':<22}{'deletion':<24}{'insertion':<24}{'insertion less random':<26}{'cell':>6}{'core':>6}{'rim':>6}"
        f"{'head':>7}{'all':>7}{'ms':>8}",
    ]
    for name, row in told["methods"].items():
        shares = "".join(f"{row['heat'][part]['value']:>6.0%}" for part in PARTS)
        levels = list(row["shuffled"].values())
        shuffled = f"{levels[0]:>7.2f}{levels[-1]:>7.2f}{row['milliseconds']:>8.0f}" if levels else ""
        gain = written(row["more_than_random"]["insertion"], "+")
        scores = f"{written(row['deletion']):<24}{written(row['insertion']):<24}{gain:<26}"
        lines.append(f"{name:<22}{scores}{shares}{shuffled}")
    return "\n".join(lines)
