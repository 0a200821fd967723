"""A run's scores in sentences, for report and model card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from leukemia_tf.evaluation.decision import BETTER, CANNOT_BE_TOLD, WORSE
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.scores import (
    INTERVALS,
    NO_INTERVAL,
    NO_INTERVAL_REASON,
    count_text,
    format_score,
    permutation_text,
    title_over_cells,
)
from leukemia_tf.reporting.cell_shape import SHAPES
from leukemia_tf.reporting.wrong_cells import CLASS_NAMES

VIEW = ("framing", "stain_normalization", "contrast")  # settings of the network's input
GROUPING = "they share an image or a near-duplicate."
HASHES = (
    "The number after the run's name is the start of the SHA-256 of its files: cat config.json cells.csv | sha256sum. "
    "The data fingerprint is that of the lines “sha256 split” of cells.csv, one a cell, sorted: it is the same "
    "wherever the same pictures are split in the same way, whatever their files and patients are called."
)
VERDICTS = {
    BETTER: "the probabilities got better",
    WORSE: "the probabilities got worse",
    CANNOT_BE_TOLD: "that is neither clearly better nor clearly worse",
}


def headline(metrics: Mapping[str, Any], part: str = "test") -> str:
    """Return the primary score of a part: the AUROC by patient with its interval."""
    name = "auroc_by_patient"
    return f"{METRICS[name].title} {format_score(metrics['parts'][part]['cell'][name])}"


def details(metrics: Mapping[str, Any]) -> str:
    """Return which cells the headline is from, and the AUROC over cells."""
    test = metrics["parts"]["test"]
    seen = "who were also seen in training" if metrics["protocol"] == "image" else "not seen in training"
    views = "" if metrics["tta"] == "none" else f", mean over {metrics['tta']} views"
    split = f"{metrics['protocol']} split, seed {metrics['seed']}, data: {metrics['data']}{views}"
    auroc = f"{title_over_cells('auroc')} {format_score(test['cell']['auroc'])}"
    return f"on {count_text(test)} {seen} ({split}). {auroc}. In brackets: {INTERVALS}."


def validation_text(metrics: Mapping[str, Any]) -> str:
    """Return whom threshold and temperature were chosen on, with the scores there; empty without validation."""
    val = metrics["parts"].get("val")
    if not val:
        return ""
    scores = f"{headline(metrics, 'val')}, {title_over_cells('auroc')} {format_score(val['cell']['auroc'])}"
    if "inner_folds" not in metrics:
        return f"Validation, {count_text(val)}: {scores}. Threshold and temperature were chosen on them."
    return (
        f"Validation, out of fold, {count_text(val)}: {scores}. Each training patient was predicted by a network of "
        f"the first stage, trained on the other patients of {metrics['inner_folds']} inner folds. Threshold and "
        "temperature were chosen on these predictions."
    )


def calibration_text(metrics: Mapping[str, Any]) -> str:
    """Return what was fitted, what that changed on the test part, and how many of its cells are out of distribution."""
    unlike = metrics["parts"]["test"]["unlike_training"] or "None"
    whose = _whose(metrics)
    return f"{decision_text(metrics)} {unlike} of the {whose} cells are unlike the training cells; all are scored."


def decision_text(metrics: Mapping[str, Any]) -> str:
    """Return temperature and threshold, and whether the temperature made the probabilities better."""
    test, decision = metrics["parts"]["test"], metrics["decision"]
    before, after = (format_score(scores["ece"]) for scores in (test["uncalibrated"], test["cell"]))
    if decision["temperature"] == 1:
        sentences = [f"Expected calibration error (ECE) {after}, uncalibrated."]
    else:
        sentences = [
            f"The temperature, {_with_range(decision, 'temperature')}, was fitted on the validation patients.",
            f"On the {_whose(metrics)} patients it changed the expected calibration error (ECE) from {before} to "
            f"{after}.",
        ]
    if decision.get("log_loss_change"):  # of this version
        change, result = format_score(decision["log_loss_change"], "+"), VERDICTS[decision["calibration_verdict"]]
        sentences.append(f"The log loss, with the same weight for every patient, changed by {change}: {result}.")
    if decision.get("threshold_low") is not None:
        sentences.append(f"The threshold, {_with_range(decision, 'threshold')}, was fitted on the validation patients.")
    return " ".join(sentences)


def _whose(metrics: Mapping[str, Any]) -> str:
    return "external" if metrics["protocol"] == "external" else "test"


def _with_range(decision: Mapping[str, Any], name: str) -> str:
    low, high = decision.get(f"{name}_low"), decision.get(f"{name}_high")
    text = f"{decision[name]:.3g}"
    return text if low is None else f"{text} ({low:.3g} to {high:.3g} with any one patient left out)"


def split_text(metrics: Mapping[str, Any]) -> str:
    """Return whether patients are in several parts."""
    if metrics["protocol"] == "image":
        return "Split by image: cells of one patient are in several parts, so every score is too high."
    return (
        "No patient is in two parts. Patients who share an image or a near-duplicate count as one patient, a patient "
        "group; every run verifies this before it trains."
    )


def permutation_sentence(scores: Mapping[str, Any]) -> str:
    """Return the permutation test of a part's AUROC by patient; empty where there is none."""
    return f"{permutation_text(scores)}." if scores.get("permutation_p") is not None else ""


def no_interval_reason(texts: Iterable[str]) -> str:
    """Return why a score has no interval, if one of the texts has none."""
    return f"No interval: {NO_INTERVAL_REASON}." if any(NO_INTERVAL in text for text in texts) else ""


def data_text(metrics: Mapping[str, Any]) -> str:
    """Return which cells the network was trained on."""
    if metrics["data"] == "embedded":
        return "Phantom cells, drawn by code: not photographs, and of no use but to try the software."
    return f"The labelled cells of {metrics['data']}, by patient."


def wrong_cells_text(comparison: Sequence[Mapping[str, Any]]) -> str:
    """Return which differences between wrong and right cells, of `compare_wrong_cells`, exclude 0."""
    if not any(_has_interval(row["difference"]) for row in comparison):
        return "Too few patients have both wrong and right cells: whether these differ cannot be told."
    clear = [row for row in comparison if _excludes_zero(row["difference"])]
    if not clear:
        return "No difference between wrong and right cells has an interval that excludes 0."
    texts = (f"{_direction(row)} {SHAPES[row['measure']].name} ({CLASS_NAMES[row['class']]})" for row in clear)
    return f"Wrong cells have {', '.join(texts)}. Each of the intervals excludes 0 by chance once in twenty times."


def _direction(row: Mapping[str, Any]) -> str:
    return "a higher" if row["difference"]["value"] > 0 else "a lower"


def _has_interval(difference: Mapping[str, float | None]) -> bool:
    return difference["low"] is not None and isfinite(difference["low"])


def _excludes_zero(difference: Mapping[str, float | None]) -> bool:
    low, high = difference["low"], difference["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def network_text(settings: Mapping[str, Any]) -> str:
    """Return the network, its input and its data in one line."""
    network, train, data = settings["network"], settings["train"], settings["data"]["name"]
    parameters = f"{network['parameters']:,} parameters"
    if "members" in settings:
        members = ", ".join(f"{member['name']} ({member['weight']:.3f})" for member in settings["members"])
        return f"{parameters}; ensemble ({settings['asked']['method']}) of {members}; data: {data}"
    weights = f"the run {Path(train['from_']).name}" if train.get("from_") else Path(settings["weights"]["source"]).name
    size, view = network["image_size"], ", ".join(f"{name.replace('_', ' ')} {train[name]}" for name in VIEW)
    view += ", channels registered" if train.get("register_channels") else ""
    return f"{parameters}; {size} x {size} pixels; initial weights: {weights}; {view}; data: {data}"
