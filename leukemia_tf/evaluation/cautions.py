"""Cautions: what limits the validity of a run's scores, the same sentences in terminal, report and card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leukemia_tf.evaluation.calibration import is_at_bound
from leukemia_tf.evaluation.decision import WORSE
from leukemia_tf.evaluation.intervals import FEWEST
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import MIN_PATIENTS, format_score

CHANCE = 0.6  # an AUROC below it is near chance
UNLIKE_SHARE = 0.1  # of external cells, from which they count as another kind of picture
HIGH = 0.7  # an AUROC from which a test score looks good


def cautions(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Return what limits the validity of the scores, a sentence each.

    Parameters
    ----------
    metrics : mapping
        The content of metrics.json, of this version or an earlier one.
    settings : mapping
        The content of config.json; empty for a network without a run.
    """
    test, external = metrics["parts"]["test"], metrics["protocol"] == "external"
    return [
        *_of_other_cells(metrics),
        *_of_protocol(metrics),
        *_of_origin(metrics, settings),
        *_of_chance(metrics["parts"]),
        *_of_one_label(test["cell"], "cell" if external else "test cell"),
        *_of_few_patients(test["patients"], "The folder" if external else "The test part"),
        *_of_calibration(metrics["decision"]),
    ]


def _of_other_cells(metrics: Mapping[str, Any]) -> list[str]:
    """Warn of external cells that the training cells do not resemble; of new patients' cells it is one in fifty."""
    test = metrics["parts"]["test"]
    unlike = test.get("unlike_training", 0)
    if metrics["protocol"] != "external" or unlike < UNLIKE_SHARE * test["cells"]:
        return []
    return [
        f"{unlike:,} of {test['cells']:,} cells ({unlike / test['cells']:.0%}) are unlike the training cells in size, "
        "shape, colours or sharpness: the network was not trained for such pictures, and its probabilities are not to "
        "be relied on there, whatever the scores. Train on cells of this source."
    ]


def pooled_cautions(metrics: Mapping[str, Any], part: Mapping[str, Any]) -> list[str]:
    """Return what limits the validity of pooled out-of-fold scores, a sentence each.

    Parameters
    ----------
    metrics : mapping
        The content of a study's metrics.json.
    part : mapping
        The pooled part, as from `score_part`.
    """
    return [
        *_of_protocol(metrics),
        *_of_origin(metrics, {}),
        *_of_one_label(part["cell"]),
        *_of_few_patients(part["patients"]),
    ]


def _of_protocol(metrics: Mapping[str, Any]) -> list[str]:
    if "caution" not in metrics:
        return []
    text = metrics["caution"].removeprefix("CAUTION: ")
    return [f"{text[0].upper()}{text[1:]}."]


def _of_origin(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    sentences = []
    if metrics.get("data") == "embedded":
        sentences.append("These are phantom cells, drawn by code: the scores show that the package works, no more.")
    elif settings.get("data", {}).get("name") == "embedded":
        sentences.append("The network was trained on phantom cells, drawn by code.")
    if settings.get("weights", {}).get("source") == "random":
        sentences.append("The backbone started from random weights, not from ImageNet.")
    return sentences


def _of_chance(parts: Mapping[str, Any]) -> list[str]:
    """Warn of validation at chance beside a high test score: the test score may be luck."""
    test, val = (parts.get(part, {}).get("cell", {}).get("auroc_by_patient") for part in ("test", "val"))
    if not (test and val) or not (_is_finite(test["value"]) and _is_finite(val["value"])) or test["value"] < HIGH:
        return []
    holds_chance = _is_finite(val["low"]) and val["low"] <= 0.5 <= val["high"]
    if val["value"] >= CHANCE and not holds_chance:
        return []
    return [
        f"The AUROC by patient is {format_score(test)} on the test patients, but {format_score(val)} on the validation "
        "patients, which may be chance (0.5): the test score may be luck."
    ]


def _of_one_label(cell: Mapping[str, Any], unit: str = "test cell") -> list[str]:
    sides = (cell["sensitivity"]["value"], cell["specificity"]["value"])
    if sides not in ((1, 0), (0, 1)):
        return []
    label = LABEL_NAMES["all" if sides == (1, 0) else "hem"]
    return [f"At its threshold the network gives every {unit} one label, {label}."]


def _of_few_patients(patients: Mapping[str, int], scored: str = "The test part") -> list[str]:
    fewest = min(patients.values())
    have = " and ".join(f"{patients[label]} {name}" for label, name in LABEL_NAMES.items())
    if not fewest:
        return [f"{scored} lacks a class ({have} patients): AUROC and other metrics are undefined."]
    if fewest < FEWEST:
        return [f"{scored} has {have} patients: too few for intervals ({FEWEST} of each class)."]
    if fewest < MIN_PATIENTS:
        return [f"{scored} has {have} patients: with fewer than {MIN_PATIENTS} of a class a score is uncertain."]
    return []


def _of_calibration(decision: Mapping[str, Any]) -> list[str]:
    temperature, sentences = decision["temperature"], list(decision.get("cautions", ()))
    if temperature == 1 and not any("not calibrated" in sentence for sentence in sentences):
        sentences.append("The probability is not calibrated (temperature 1).")
    if is_at_bound(temperature):
        sentences.append(f"The temperature, {temperature:.2f}, is at a bound of its fit: the probability is not valid.")
    if decision.get("calibration_verdict") == WORSE:
        change = format_score(decision["log_loss_change"], "+")
        sentences.append(
            f"The temperature, {temperature:.2f}, made the probabilities of the test patients worse: log loss {change}."
        )
    return sentences


def _is_finite(value: float | None) -> bool:
    return value is not None and bool(np.isfinite(value))
