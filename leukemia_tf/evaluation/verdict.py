"""What a run's scores come to, in sentences."""

from __future__ import annotations

import numpy as np

from leukemia_tf.evaluation.bootstrap import RESAMPLES
from leukemia_tf.evaluation.scores import FEW, written

NAMES = {
    "auroc_by_patient": "AUROC, every patient of a class weighing the same",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "weighted_f1": "weighted F1",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "macro_accuracy": "accuracy, mean over patients",
    "worst_accuracy": "accuracy of the worst patient",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "f_beta": "F2",
    "cohen_kappa": "Cohen's kappa",
    "mcc": "MCC",
    "brier": "Brier score (lower is better)",
    "ece": "ECE (lower is better)",
}


def counted(part: dict) -> str:
    """Return who a part's scores are about."""
    patients = part["patients"]
    return f"{part['cells']:,} cells of {patients['all']} leukemic and {patients['hem']} healthy patients"


def headline(metrics: dict) -> str:
    """Return the score to remember: the AUROC by patient with its interval."""
    return f"AUROC by patient {written(metrics['parts']['test']['cell']['auroc_by_patient'])}"


def verdict(metrics: dict) -> str:
    """Return what that score is of, and the score over cells beside it."""
    test = metrics["parts"]["test"]
    whose = "that training has seen" if metrics["protocol"] == "image" else "whom training has never seen"
    views = "" if metrics["tta"] == "none" else f", mean over {metrics['tta']} views"
    drawn = f"{metrics['protocol']} split, seed {metrics['seed']}, {metrics['data']}{views}"
    over = f"over cells AUROC {written(test['cell']['auroc'])}"
    return f"on {counted(test)} {whose} ({drawn}); {over}. 95 % intervals from {RESAMPLES:,} resamples of patients."


def cautions(metrics: dict, settings: dict) -> list[str]:
    """Return what must be known of these scores before one believes them."""
    test, said = metrics["parts"]["test"], []
    if "caution" in metrics:
        said.append(metrics["caution"].removeprefix("CAUTION: "))
    if settings["data"]["name"] == "embedded":
        said.append("These are phantom cells, drawn by code: the scores say that the package works, nothing else.")
    if settings["weights"]["source"] == "random":
        said.append("The base started from random weights, not from ImageNet.")
    least = min(test["patients"].values())
    if least < FEW:
        said.append(f"One class has {least} test patients: resampling so few understates the doubt.")
    auroc = test["cell"]["auroc"]["value"]
    if auroc is None or not np.isfinite(auroc):
        said.append("The test part lacks a class: AUROC and its like are undefined.")
    if metrics["decision"]["temperature"] == 1:
        said.append("The probability is not calibrated: there was no validation part with both classes.")
    return said


def calibration_said(metrics: dict) -> str:
    """Return what the temperature did on the test part."""
    test, decision = metrics["parts"]["test"], metrics["decision"]
    before, after = (written(scores["ece"]) for scores in (test["uncalibrated"], test["cell"]))
    unlike = f" {test['unlike_training']} of the test cells are unlike the training cells; they are in every score."
    if decision["temperature"] == 1:
        return f"Expected calibration error {after}, uncalibrated.{unlike}"
    return (
        f"The temperature, {decision['temperature']:.2f}, was fitted on the validation patients; on the test patients "
        f"it turned the expected calibration error from {before} into {after}.{unlike}"
    )


def alt_texts(metrics: dict) -> dict[str, str]:
    """Return what each figure of a run shows, in words."""
    test = metrics["parts"]["test"]
    scores = test["cell"]
    sides = ", ".join(f"{name} {written(scores[name])}" for name in ("sensitivity", "specificity"))
    return {
        "learning-curves": "Loss and validation AUROC by epoch, the stages marked; history.csv has the numbers.",
        "confusion-matrix": f"Confusion matrix of {counted(test)}: {sides}.",
        "roc": f"ROC curve over cells with its 95 % band: AUROC {written(scores['auroc'])}.",
        "precision-recall": f"Precision-recall curve over cells with its band: AUPRC {written(scores['auprc'])}.",
        "calibration": f"Reliability diagram. {calibration_said(metrics)}",
        "patients": "Each test patient's cells by their probability; the table below has the numbers.",
    }
