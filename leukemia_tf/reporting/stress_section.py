"""The part of report.html that `stress` adds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from leukemia_tf.core.files import read_json
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.evaluation.stress_plot import draw_stress
from leukemia_tf.evaluation.stress_scores import MOST, table, verdict
from leukemia_tf.reporting.page import FigureText
from leukemia_tf.runs.run_folder import RunFolder

FIGURE = "stress"


class StressSection(NamedTuple):
    """What the report's template shows of stress.json; nothing where there is none."""

    figures: dict[str, Figure]
    texts: dict[str, FigureText]
    values: dict[str, Any] | None


def stress_section(run: RunFolder, metrics: Mapping[str, Any]) -> StressSection:
    """Read a run's stress.json, and return its part of the report.

    Parameters
    ----------
    run : RunFolder
        The run.
    metrics : mapping
        The content of its metrics.json.
    """
    if not run.stress.is_file():
        return StressSection({}, {}, None)
    stress = read_json(run.stress)
    titles, *rows = table(stress)
    sentences = verdict(stress)
    (network,) = stress["networks"]
    if network["threshold"] != metrics["decision"]["threshold"]:
        sentences.append(f"Measured at a former threshold, {network['threshold']:.3g}: run stress again.")
    caption = (
        "What altered cells change, with 95 % intervals paired over patients; an open circle has none. "
        f"Dotted: {MOST['difference']} of the AUROC by patient and {MOST['difference_specificity']} of specificity."
    )
    text = FigureText(caption, f"Differences by alteration. {' '.join(sentences)}")
    values = {"sample": sample_text(stress), "verdict": sentences, "titles": titles, "rows": rows}
    return StressSection({FIGURE: draw_stress(stress)}, {FIGURE: text}, values)


def sample_text(stress: Mapping[str, Any]) -> str:
    """Return which cells were altered."""
    patients = " and ".join(f"{stress['patients'][label]} {name}" for label, name in LABEL_NAMES.items())
    some = "" if stress["cells"] == stress["tested_cells"] else f" of {stress['tested_cells']:,}"
    caution = f" {stress['caution']}." if "caution" in stress else ""
    return f"{stress['cells']:,}{some} test cells of {patients} patients, altered before they are framed.{caution}"
