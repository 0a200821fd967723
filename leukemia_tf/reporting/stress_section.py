"""The part of a report that `stress` adds, and its own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukemia_tf.core.files import read_json
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.scores import INTERVALS, format_score
from leukemia_tf.evaluation.stress_plot import draw_stress
from leukemia_tf.evaluation.stress_scores import MOST, table, verdict
from leukemia_tf.reporting.blocks import Page, Picture, Section, Table, Text, section
from leukemia_tf.runs.run_folder import Folder

NAME = "stress"


def stored_stress(folder: Folder, threshold: float | None = None) -> list[Section]:
    """Return the section of a folder's stress.json; none where there is no such file.

    Parameters
    ----------
    folder : Folder
        A run or a study.
    threshold : float, optional
        The run's, which may have changed since.
    """
    return [stress_section(read_json(folder.stress), threshold)] if folder.stress.is_file() else []


def stress_section(stress: Mapping[str, Any], threshold: float | None = None) -> Section:
    """Return the section of the content of stress.json."""
    titles, *rows = table(stress)
    sentences = verdict(stress)
    measured = stress["networks"][0]["threshold"]
    if threshold is not None and measured != threshold:
        sentences.append(f"Measured at a former threshold, {measured:.3g}: run stress again.")
    caption = (
        "What altered cells change, with 95 % intervals paired over patients; an open circle has none. "
        f"Dotted: {MOST['difference']} of the AUROC by patient and {MOST['difference_specificity']} of specificity."
    )
    picture = Picture(
        NAME, draw_stress(stress), caption, f"Differences by alteration. {' '.join(sentences)}", wide=True
    )
    below = "The scores on altered cells, and the differences to the unaltered ones, paired over patients."
    return section(
        NAME,
        "Does it look at the cell?",
        Text(f"{sample_text(stress)} Some alterations must keep the answer; others remove what may carry it."),
        *map(Text, sentences),
        picture,
        Table(NAME, below, titles, rows, stacked=True),
    )


def stress_page(stress: Mapping[str, Any], name: str) -> Page:
    """Return a page of stress.json alone.

    Parameters
    ----------
    stress : mapping
        Its content.
    name : str
        Of the run's or the study's folder.
    """
    base = format_score(stress["base"]["scores"]["auroc_by_patient"])
    return Page(
        title=f"stress of {name}",
        name=f"Stress test of {name}",
        subtitle="The network's scores on altered test cells",
        headline=f"AUROC by patient {base}, unaltered",
        details=f"{sample_text(stress)} In brackets: {INTERVALS}.",
        sections=[stress_section(stress)],
        cautions=[stress["caution"]] if "caution" in stress else [],
    )


def sample_text(stress: Mapping[str, Any]) -> str:
    """Return which cells were altered."""
    patients = " and ".join(f"{stress['patients'][label]} {name}" for label, name in LABEL_NAMES.items())
    some = "" if stress["cells"] == stress["tested_cells"] else f" of {stress['tested_cells']:,}"
    caution = f" {stress['caution']}." if "caution" in stress else ""
    return f"{stress['cells']:,}{some} test cells of {patients} patients, altered before they are framed.{caution}"
