"""What is written about each figure of scored predictions: its caption, and the text in place of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import count_text, format_score, title_over_cells
from leukemia_tf.reporting.blocks import Picture

WIDE = ("learning-curves", "histories", "patients")  # figures that take the whole width


class FigureText(NamedTuple):
    """What is written about a figure."""

    caption: str
    alternative: str


def figure_texts(
    part: Mapping[str, Any], threshold: str, calibration: str, whose: str = "test"
) -> dict[str, FigureText]:
    """Return caption and alternative text of each figure of `pooled_figures` and of a training, by its name.

    Parameters
    ----------
    part : mapping
        As from `score_part`.
    threshold : str
        What a cell is predicted by, such as `0.5`.
    calibration : str
        What was fitted, and what that changed.
    whose : str
        Which cells, such as `test`.
    """
    score = {
        name: f"{title_over_cells(name)} {format_score(part['cell'][name])}"
        for name in ("sensitivity", "specificity", "auroc", "auprc")
    }
    sides, leukemic = f"{score['sensitivity']}, {score['specificity']}", LABEL_NAMES["all"]
    band = "Shaded: the 95 % interval of each of its points, over patients, by the method of the score's interval"
    return {
        "learning-curves": FigureText(
            "Learning curves: loss, accuracy and AUROC by epoch, with the stages and the kept epoch; see history.csv.",
            "Curves of loss, accuracy and validation AUROC by epoch; history.csv has the numbers.",
        ),
        "confusion-matrix": FigureText(
            f"Confusion matrix of the {whose} cells at a threshold of {threshold}; the percentages are of each row.",
            f"Confusion matrix of {count_text(part)}: {sides}.",
        ),
        "roc": FigureText(
            f"ROC curve over the {whose} cells. {band}; there is none with fewer than five patients of a class.",
            f"ROC curve with its band: {score['auroc']}.",
        ),
        "precision-recall": FigureText(
            f"Precision-recall curve over the {whose} cells. {band}.",
            f"Precision-recall curve with its band: {score['auprc']}.",
        ),
        "calibration": FigureText(
            f"Reliability diagram of the {whose} cells: the share of {leukemic} cells by their probability, and below "
            "it the number of cells. On the dotted line a probability is the share of leukemic cells.",
            f"Reliability diagram. {calibration}",
        ),
        "histogram": FigureText(
            f"The probabilities of the {whose} cells by class. The vertical line is the threshold.",
            f"Histograms of the probabilities of {count_text(part)}; the table of thresholds has what follows of them.",
        ),
        "patients": FigureText(
            f"The probability of each cell of each of the {whose} patients, and the mean of the patient.",
            f"Strip plot of the probabilities of the {whose} patients' cells; the table below has the numbers.",
        ),
        "errors-by-size": FigureText(
            "Errors against cell size: the share of misclassified cells in groups of as many cells by area, per class; "
            "below it every cell by its area.",
            "Curves of the share of misclassified cells by cell area; the table below compares wrong and right cells.",
        ),
    }


def pictures(figures: Mapping[str, Figure], texts: Mapping[str, FigureText], suffix: str = "") -> dict[str, Picture]:
    """Return the pictures of those figures that have a text, by the figure's name; `suffix` is added to their names."""
    return {
        name: Picture(name + suffix, figure, *texts[name], wide=name in WIDE)
        for name, figure in figures.items()
        if name in texts
    }
