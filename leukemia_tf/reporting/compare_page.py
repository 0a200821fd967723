"""The page of a comparison of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.core.version import __version__
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import INTERVALS, format_score, title_over_cells
from leukemia_tf.reporting import summary, tables
from leukemia_tf.reporting.blocks import Gallery, Page, Picture, Section, Table, Text, section

FIGURES = {  # caption, and the text in place of the figure
    "scores": ("The AUROC by patient of each run, with its 95 % interval over patients.", "The table has the numbers."),
    "costs": (
        "The AUROC by patient, with its interval, against the number of parameters and the training time.",
        "The table of scores has the numbers.",
    ),
    "histories": (
        "Training loss, validation loss and validation accuracy by epoch.",
        "The runs' history.csv have the numbers.",
    ),
    "wrong-counts": (
        "How many cells are misclassified by how many of the runs, by class.",
        "The table of errors by patient has the numbers.",
    ),
}
WIDE = ("costs", "histories")
SHOWN = ("auroc_by_patient", "auroc", "weighted_f1", "accuracy")


def compare_page(comparison: Mapping[str, Any], figures: Mapping[str, Figure], galleries: Sequence[Gallery]) -> Page:
    """Return the page of a comparison.

    Parameters
    ----------
    comparison : mapping
        The content of compare.json.
    figures : mapping of str to matplotlib.figure.Figure
        By the keys of `FIGURES`.
    galleries : sequence of Gallery
        Of cells that all get wrong, and that only one gets right.
    """
    names, runs = list(comparison["runs"]), comparison["runs"]
    drawn = {name: _picture(name, figure) for name, figure in figures.items() if name in FIGURES}
    cells = f"{comparison['cells']:,} test cells of {comparison['patients']} patients, {comparison['protocol']} split"
    return Page(
        title=f"Comparison of {' and '.join(names)}",
        name=f"{' and '.join(names)}, compared" if len(names) == 2 else f"{len(names)} runs, compared",
        subtitle=f"On the same {cells}",
        headline=_headline(runs),
        details=f"on {cells}. In brackets: {INTERVALS}; of differences t intervals, paired over patients.",
        cautions=[f"{name}: {caution}" for name, caution in comparison["cautions"].items()],
        about={"Runs": ", ".join(names), "leukemia_tf": __version__},
        sections=[
            section("scores", "Scores", drawn.get("scores"), *_scores(runs)),
            section("errors", "Errors", drawn.get("wrong-counts"), _by_patient(comparison, names), *galleries),
            *_wrong_by_all(comparison),
            section("training", "Training and costs", drawn.get("costs"), _costs(runs), drawn.get("histories")),
        ],
    )


def _picture(name: str, figure: Figure) -> Picture:
    caption, alternative = FIGURES[name]
    return Picture(name, figure, caption, f"{caption} {alternative}", wide=name in WIDE)


def _headline(runs: Mapping[str, Any]) -> str:
    first, *others = runs
    title = title_over_cells("auroc_by_patient")
    if len(others) == 1:
        difference = format_score(runs[others[0]]["more_than_first"]["auroc_by_patient"], "+")
        return f"{title} of {others[0]} minus {first}: {difference}"
    scores = [(runs[name]["auroc_by_patient"]["value"], name) for name in runs]
    values = [value for value, _ in scores if value is not None and value == value]
    return f"{title} {min(values):.3f} to {max(values):.3f}" if values else f"{title} undefined"


def _scores(runs: Mapping[str, Any]) -> list[Table]:
    first = next(iter(runs))
    titles = list(map(title_over_cells, SHOWN))
    rows = [[name, *(format_score(row[metric]) for metric in SHOWN)] for name, row in runs.items()]
    differences = [
        [f"{name} minus {first}", *(format_score(row["more_than_first"][metric], "+") for metric in SHOWN)]
        for name, row in runs.items()
        if name != first
    ]
    caption = f"Differences to the first run, {first}, paired over patients. One whose interval holds 0 may be chance."
    return [
        Table("scores", "Scores of each run.", ["run", *titles], rows, stacked=True),
        Table("differences", caption, ["difference", *titles], differences, stacked=True),
    ]


def _costs(runs: Mapping[str, Any]) -> Table:
    rows = [[name, f"{row['parameters']:,}", f"{row['seconds']:,.0f}"] for name, row in runs.items()]
    return Table("costs", "What each run costs.", ["run", "parameters", "training time, seconds"], rows)


def _by_patient(comparison: Mapping[str, Any], names: Sequence[str]) -> Table:
    titles = ["patient group", "label", "cells", *(f"wrong by {name}" for name in names), "wrong by all"]
    rows = []
    for row in comparison["by_patient"]:
        label = LABEL_NAMES["all" if row["label"] else "hem"]
        rows.append([row["patient"], label, f"{row['cells']:,}", *map(str, row["wrong"]), str(row["all_wrong"])])
    return Table("errors-by-patient", "Misclassified cells of each patient, the highest share first.", titles, rows)


def _wrong_by_all(comparison: Mapping[str, Any]) -> list[Section]:
    measured = comparison.get("wrong_cells", ())
    groups = tables.wrong_cell_groups(measured)
    if not groups:
        return []
    rows = [row for group in groups for row in group["rows"]]
    titles = ("measure", "wrong", "right", "wrong minus right")
    caption = (
        "Cells that all runs misclassify against the others: means over patients who have both, and the difference."
    )
    table = Table("wrong-cells", caption, titles, rows, [(group["title"], len(group["rows"])) for group in groups])
    return [section("wrong-cells", "Cells that all get wrong", Text(summary.wrong_cells_text(measured)), table)]
