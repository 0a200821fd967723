"""The page of the faithfulness of heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.core.version import __version__
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.explain.faithfulness_scores import PARTS, ZONES
from leukemia_tf.explain.methods import DEFAULT, METHODS
from leukemia_tf.reporting.blocks import Gallery, Page, Picture, Table, Text, section

FIGURES = {
    "curves": "Mean deletion and insertion curves: the logit as the hottest squares are removed, or shown first.",
    "shuffled": "Rank correlation of maps before and after the network's weights are shuffled; 0 is good.",
    "agreement": "Rank correlation of two methods' maps, mean over the cells.",
}
WIDE = ("curves", "shuffled")
ABOUT = (
    "Deletion and insertion: the mean fall and rise of the logit, in its standard deviations; more is better. Heat: "
    "its share in the cell, in its core, on its rim, and along the frame's border. Shuffled: rank correlation with the "
    "maps after the weights of the head, and of all layers, are shuffled; 0 is good."
)


def explain_page(check: Mapping[str, Any], figures: Mapping[str, Figure], galleries: Sequence[Gallery]) -> Page:
    """Return the page of a check of heat maps.

    Parameters
    ----------
    check : mapping
        The content of explain-check.json.
    figures : mapping of str to matplotlib.figure.Figure
        By the keys of `FIGURES`.
    galleries : sequence of Gallery
        Correct and wrong cells with their heat maps.
    """
    run = Path(check["run"]).resolve().name
    drawn = [
        Picture(name, figures[name], caption, f"{caption} The tables have the numbers.", wide=name in WIDE)
        for name, caption in FIGURES.items()
        if name in figures
    ]
    patients = " and ".join(f"{check['patients'][label]} {name}" for label, name in LABEL_NAMES.items())
    row = check["methods"].get(DEFAULT) or next(iter(check["methods"].values()))
    name = METHODS[DEFAULT].title if DEFAULT in check["methods"] else next(iter(check["methods"]))
    more = f"{name}: insertion minus random {format_score(row['more_than_random']['insertion'], '+')}"
    shown = f"{METHODS[DEFAULT].title}; bright areas pushed the network towards its prediction"
    return Page(
        title=f"Heat maps of {run}",
        name=f"Faithfulness of heat maps: {run}",
        subtitle=f"Explained: {' + '.join(check['explained'])}; seed {check['seed']}",
        headline=more,
        details=f"on {check['cells']} test cells of {patients} patients, in standard deviations of the logit. In "
        "brackets: 95 % t intervals over patients.",
        about={"Run": run, "leukemia_tf": __version__},
        sections=[
            section("methods", "Methods", Text(ABOUT), _methods(check)),
            section("figures", "Curves, shuffled weights, agreement", *drawn),
            section("layers", "Where each layer is active", _layers(check)),
            *([section("examples", "Cells and their maps", Text(f"By {shown}."), *galleries)] if galleries else []),
        ],
    )


def _methods(check: Mapping[str, Any]) -> Table:
    titles = ["method", "deletion", "insertion", "deletion minus random", "insertion minus random"]
    titles += [f"heat, {part}" for part in PARTS] + ["shuffled head", "shuffled, all", "milliseconds"]
    area = [f"{check['area'][part]['value']:.0%}" for part in PARTS]
    rows = [_method(name, row) for name, row in check["methods"].items()]
    rows.append(["a constant map", "", "", "", "", *area, "", "", ""])
    caption = "Scores of each method, with 95 % intervals over patients, beside a random and a constant map."
    return Table("methods", caption, titles, rows, stacked=True)


def _method(name: str, row: Mapping[str, Any]) -> list[str]:
    more, levels = row["more_than_random"], list(row["shuffled"].values())
    differences = ["", ""] if name == "random" else [format_score(more[key], "+") for key in ("deletion", "insertion")]
    shuffled = [f"{levels[0]:.2f}", f"{levels[-1]:.2f}"] if levels else ["", ""]
    heat = [f"{row['heat'][part]['value']:.0%}" for part in PARTS]
    scores = [format_score(row[key]) for key in ("deletion", "insertion")]
    return [name, *scores, *differences, *heat, *shuffled, f"{row['milliseconds']:.0f}" if levels else ""]


def _layers(check: Mapping[str, Any]) -> Table:
    titles = ["layer", "filters", "silent filters", *(f"response {zone}" for zone in ZONES)]
    rows = [
        [name, str(row["filters"]), str(row["silent"]), *(format_score(row[zone]) for zone in ZONES)]
        for name, row in check["layers"].items()
    ]
    caption = "The mean response inside the cell, at its edge and outside it; silent: one value in all cells."
    return Table("layers", caption, titles, rows, stacked=True)
