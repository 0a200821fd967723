"""Scores of heat-map methods, with intervals over patients, and their table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import mean_over_patients
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.explain.activations import activations, responses
from leukemia_tf.explain.faithfulness import Faithfulness, agreement
from leukemia_tf.explain.frame import Frame
from leukemia_tf.explain.methods import METHODS
from leukemia_tf.explain.regions import boundary_zones, heat_parts

PARTS, ZONES = ("cell", "core", "rim", "border"), ("inside", "edge", "outside")

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
    inputs = [heat_parts(cell, (0, 0, *cell.shape[:2])) for cell in (frame.cells[0][0] for frame in frames)]
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
    """Return where each layer is active, as from `responses` with intervals, and filters constant over all cells."""
    mean = _mean_of(frames)
    rows: dict[str, list[dict[str, float]]] = {}
    ranges: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for frame in frames:
        zones = boundary_zones(frame.cells[0][0])
        for name, maps in activations(model, frame.cells[0]).items():
            rows.setdefault(name, []).append(responses(maps, zones))
            ranges.setdefault(name, []).append((maps.min((0, 1)), maps.max((0, 1))))
    return {
        name: {
            "filters": layer_rows[0]["filters"],
            "silent": _constant(ranges[name]),
            **{zone: mean([row[zone] for row in layer_rows]) for zone in ZONES},
        }
        for name, layer_rows in rows.items()
    }


def _constant(ranges: Sequence[tuple[np.ndarray, np.ndarray]]) -> int:
    """Return how many filters have one value everywhere in all cells; `ranges`: a cell's lowest and highest values."""
    lowest, highest = (np.array(values) for values in zip(*ranges))
    return int((highest.max(0) == lowest.min(0)).sum())


def more_faithful(check: Mapping[str, Any], drawn: Mapping[str, Sequence[Sequence[str]]]) -> str | None:
    """Return a line about the method that is more faithful than all that were drawn; None where there is none.

    Parameters
    ----------
    check : mapping
        The content of explain-check.json.
    drawn : mapping of str to sequence
        The layers that each method explained, of an ensemble for each member, by the method's name.

    Notes
    -----
    A method is more faithful than another where both its deletion and its insertion are higher. A check of other layers
    says nothing.
    """
    rows = {name: row for name, row in check["methods"].items() if name in METHODS}
    checked = check.get("explained", [])
    if any(name not in rows or list(layers) != [METHODS[name].layers_of(checked)] for name, layers in drawn.items()):
        return None

    def score(name: str) -> np.ndarray:
        return np.array([rows[name][key]["value"] for key in ("deletion", "insertion")])

    better = [name for name in rows if all((score(name) > score(one)).all() for one in drawn)]
    if not better:
        return None
    best, shown = max(better, key=lambda name: score(name).sum()), max(drawn, key=lambda name: score(name).sum())
    (deletion, insertion), (less, fewer) = score(best), score(shown)
    return (
        f"explain_check found {METHODS[best].title} more faithful to this network than {METHODS[shown].title} "
        f"(deletion {deletion:.3f} against {less:.3f}, insertion {insertion:.3f} against {fewer:.3f}): `method={best}`"
    )


def _mean_of(frames: Sequence[Frame]) -> Mean:
    """Return the function from one number per cell to their mean over patients, with its interval."""
    labels = np.array([LABELS.index(frame.prediction.label) for frame in frames])
    patients = np.array([frame.prediction.patient for frame in frames])
    return lambda values: mean_over_patients(np.asarray(values, float), labels, patients)


def table(check: Mapping[str, Any]) -> str:
    """Return the methods' scores, a line each; `check` is the content of explain-check.json."""
    patients = " and ".join(f"{check['patients'][label]} {name}" for label, name in LABEL_NAMES.items())
    area = ", ".join(f"{part} {check['area'][part]['value']:.0%}" for part in PARTS)
    lines = [
        f"{check['cells']} test cells of {patients} patients, 95 % intervals over patients, "
        f"{' + '.join(check['explained'])}, seed {check['seed']}",
        "deletion, insertion: mean fall and rise of the logit, in its standard deviations, more is better",
        f"heat: shares in the cell, its core, on its rim, and along the frame's border; a constant map has {area}",
        "shuffled: rank correlation with the maps after shuffling the weights of the head, and of all; 0 is good",
        f"{'':<22}{'deletion':<24}{'insertion':<24}{'insertion minus random':<26}{'cell':>6}{'core':>6}{'rim':>6}"
        f"{'border':>8}{'head':>7}{'all':>7}{'ms':>8}",
    ]
    return "\n".join([*lines, *(_line(name, row) for name, row in check["methods"].items())])


def _line(name: str, row: Mapping[str, Any]) -> str:
    shares = "".join(f"{row['heat'][part]['value']:>{8 if part == 'border' else 6}.0%}" for part in PARTS)
    levels = list(row["shuffled"].values())
    shuffled = f"{levels[0]:>7.2f}{levels[-1]:>7.2f}{row['milliseconds']:>8.0f}" if levels else ""
    gain = format_score(row["more_than_random"]["insertion"], "+")
    return (
        f"{name:<22}{format_score(row['deletion']):<24}{format_score(row['insertion']):<24}{gain:<26}{shares}{shuffled}"
    )
