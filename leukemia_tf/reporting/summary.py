"""A run's scores in sentences, for report and model card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leukemia_tf.evaluation.bootstrap import RESAMPLES
from leukemia_tf.evaluation.decision import BETTER, CANNOT_BE_TOLD, WORSE
from leukemia_tf.evaluation.scores import count_text, format_score

VIEW = ("framing", "stain_normalization", "contrast")  # settings of the network's input
VERDICTS = {
    BETTER: "the probabilities got better",
    WORSE: "the probabilities got worse",
    CANNOT_BE_TOLD: "that is neither clearly better nor clearly worse",
}


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


def calibration_text(metrics: Mapping[str, Any]) -> str:
    """Return what was fitted, what that changed on the test part, and how many of its cells are out of distribution."""
    unlike = metrics["parts"]["test"]["unlike_training"] or "None"
    return f"{decision_text(metrics)} {unlike} of the test cells are unlike the training cells; all are scored."


def decision_text(metrics: Mapping[str, Any]) -> str:
    """Return temperature and threshold, and whether the temperature made the probabilities better."""
    test, decision = metrics["parts"]["test"], metrics["decision"]
    before, after = (format_score(scores["ece"]) for scores in (test["uncalibrated"], test["cell"]))
    if decision["temperature"] == 1:
        sentences = [f"Expected calibration error (ECE) {after}, uncalibrated."]
    else:
        sentences = [
            f"The temperature, {_with_range(decision, 'temperature')}, was fitted on the validation patients.",
            f"On the test patients it changed the expected calibration error (ECE) from {before} to {after}.",
        ]
    if decision.get("log_loss_change"):  # of this version
        change, result = format_score(decision["log_loss_change"], "+"), VERDICTS[decision["calibration_verdict"]]
        sentences.append(f"The log loss, with the same weight for every patient, changed by {change}: {result}.")
    if decision.get("threshold_low") is not None:
        sentences.append(f"The threshold, {_with_range(decision, 'threshold')}, was fitted on the validation patients.")
    return " ".join(sentences)


def _with_range(decision: Mapping[str, Any], name: str) -> str:
    low, high = decision.get(f"{name}_low"), decision.get(f"{name}_high")
    text = f"{decision[name]:.3g}"
    return text if low is None else f"{text} ({low:.3g} to {high:.3g} with any one patient left out)"


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
        "learning-curves": "Loss and validation AUROC by epoch, with the stages marked; history.csv has the numbers.",
        "confusion-matrix": f"Confusion matrix of {count_text(test)}: {sides}.",
        "roc": f"ROC curve over cells with its 95 % band: AUROC {format_score(scores['auroc'])}.",
        "precision-recall": f"Precision-recall curve over cells with its band: AUPRC {format_score(scores['auprc'])}.",
        "calibration": f"Reliability diagram. {calibration_text(metrics)}",
        "patients": "The probabilities of each test patient's cells; the table below has the numbers.",
    }
