"""What is written about each figure of a run: its caption, and the text in its place where it is not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import count_text, format_score, title_over_cells
from leukemia_tf.reporting.page import FigureText
from leukemia_tf.reporting.summary import calibration_text


def figure_texts(metrics: Mapping[str, Any]) -> dict[str, FigureText]:
    """Return caption and alternative text of each figure of a run, by its name."""
    test = metrics["parts"]["test"]
    score = {
        name: f"{title_over_cells(name)} {format_score(test['cell'][name])}"
        for name in ("sensitivity", "specificity", "auroc", "auprc")
    }
    sides = f"{score['sensitivity']}, {score['specificity']}"
    threshold, leukemic = f"{metrics['decision']['threshold']:.3g}", LABEL_NAMES["all"]
    return {
        "learning-curves": FigureText(
            "Learning curves: loss, accuracy and AUROC by epoch, with the stages and the kept epoch; see history.csv.",
            "Curves of loss, accuracy and validation AUROC by epoch; history.csv has the numbers.",
        ),
        "confusion-matrix": FigureText(
            f"Confusion matrix of the test cells at a threshold of {threshold}; the percentages are of each row.",
            f"Confusion matrix of {count_text(test)}: {sides}.",
        ),
        "roc": FigureText(
            "ROC curve over the test cells; faintly, the same without each patient.",
            f"ROC curve, and without each patient: {score['auroc']}.",
        ),
        "precision-recall": FigureText(
            f"Precision-recall curve over the test cells; faintly, the same without each patient. Dotted: the share of "
            f"{leukemic} cells, which a random order would have.",
            f"Precision-recall curve, and without each patient: {score['auprc']}.",
        ),
        "calibration": FigureText(
            f"Reliability diagram of the test cells: the share of {leukemic} cells by their probability, and below it "
            "the number of cells. On the dotted line a probability is what it says.",
            f"Reliability diagram. {calibration_text(metrics)}",
        ),
        "patients": FigureText(
            "The probability of each cell of each test patient, and the mean of the patient.",
            "Strip plot of the probabilities of each test patient's cells; the table below has the numbers.",
        ),
    }
