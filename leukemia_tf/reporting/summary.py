"""A run's scores in sentences, for report and model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.evaluation.bootstrap import RESAMPLES
from leukemia_tf.evaluation.scores import MIN_PATIENTS, count_text, format_score

VIEW = ("framing", "stain_normalization", "contrast")  # settings of the network's input


def headline(metrics: Mapping[str, Any]) -> str:
    """Return the primary score: the AUROC by patient with its interval."""
    return f"AUROC by patient {format_score(metrics['parts']['test']['cell']['auroc_by_patient'])}"


def details(metrics: Mapping[str, Any]) -> str:
    """Return which cells the headline is from, and the AUROC over cells."""
    test = metrics["parts"]["test"]
    seen = "who were also seen in training" if metrics["protocol"] == "image" else "not seen in training"
    views = "" if metrics["tta"] == "none" else f", mean over {metrics['tta']} views"
    split = f"{metrics['protocol']} split, seed {metrics['seed']}, data: {metrics['data']}{views}"
    auroc = f"AUROC over cells {format_score(test['cell']['auroc'])}"
    return (
        f"on {count_text(test)} {seen} ({split}). {auroc}. 95 % intervals from {RESAMPLES:,} bootstrap resamples of "
        "patients."
    )


def cautions(metrics: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Return what limits the validity of the scores."""
    test, sentences = metrics["parts"]["test"], []
    if "caution" in metrics:
        sentences.append(metrics["caution"].removeprefix("CAUTION: ").capitalize() + ".")
    if settings["data"]["name"] == "embedded":
        sentences.append("These are phantom cells, drawn by code: the scores show that the package works, no more.")
    if settings["weights"]["source"] == "random":
        sentences.append("The backbone started from random weights, not from ImageNet.")
    fewest = min(test["patients"].values())
    if fewest < MIN_PATIENTS:
        sentences.append(f"One class has {fewest} test patients: with so few patients the intervals are too narrow.")
    auroc = test["cell"]["auroc"]["value"]
    if auroc is None or not np.isfinite(auroc):
        sentences.append("The test part lacks a class: AUROC and other metrics are undefined.")
    if metrics["decision"]["temperature"] == 1:
        sentences.append("The probability is not calibrated: there was no validation part with both classes.")
    return sentences


def calibration_text(metrics: Mapping[str, Any]) -> str:
    """Return what temperature scaling changed on the test part."""
    test, temperature = metrics["parts"]["test"], metrics["decision"]["temperature"]
    before, after = (format_score(scores["ece"]) for scores in (test["uncalibrated"], test["cell"]))
    unlike = f"{test['unlike_training'] or 'None'} of the test cells are unlike the training cells; all are scored."
    if temperature == 1:
        return f"Expected calibration error (ECE) {after}, uncalibrated. {unlike}"
    return (
        f"The temperature, {temperature:.2f}, was fitted on the validation patients. On the test patients it changed "
        f"the expected calibration error (ECE) from {before} to {after}. {unlike}"
    )


def split_text(metrics: Mapping[str, Any]) -> str:
    """Return whether patients are in several parts."""
    if metrics["protocol"] == "image":
        return "Split by image: cells of one patient are in several parts, so every score is too high."
    return (
        "No patient is in two parts. Patients who share an image or a near-duplicate count as one patient; every run "
        "verifies this before it trains."
    )


def network_text(settings: Mapping[str, Any]) -> str:
    """Return the network, its input and its data in one line."""
    network, train, data = settings["network"], settings["train"], settings["data"]["name"]
    parameters = f"{network['parameters']:,} parameters"
    if "members" in settings:
        members = ", ".join(f"{member['name']} ({member['weight']:.3f})" for member in settings["members"])
        return f"{parameters}; ensemble ({settings['asked']['method']}) of {members}; data: {data}"
    weights = Path(settings["weights"]["source"]).name
    size, view = network["image_size"], ", ".join(f"{name.replace('_', ' ')} {train[name]}" for name in VIEW)
    return f"{parameters}; {size} x {size} pixels; initial weights: {weights}; {view}; data: {data}"


def alt_texts(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return the alternative text of each figure of a run."""
    test = metrics["parts"]["test"]
    scores = test["cell"]
    sides = ", ".join(f"{name} {format_score(scores[name])}" for name in ("sensitivity", "specificity"))
    return {
        "learning-curves": "Loss, accuracy and AUROC by epoch, with stages and kept epoch; numbers in history.csv.",
        "confusion-matrix": f"Confusion matrix of {count_text(test)}: {sides}.",
        "roc": f"ROC curve over cells with its 95 % band: AUROC {format_score(scores['auroc'])}.",
        "precision-recall": f"Precision-recall curve over cells with its band: AUPRC {format_score(scores['auprc'])}.",
        "calibration": f"Reliability diagram. {calibration_text(metrics)}",
        "patients": "The probabilities of each test patient's cells; the table below has the numbers.",
    }
