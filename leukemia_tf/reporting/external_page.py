"""The page of a network that was scored on another folder: `report.html` of `evaluate --data`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leukemia_tf.core.files import file_hash, read_json
from leukemia_tf.core.version import __version__
from leukemia_tf.data.catalog import Cell, read_cells
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.evaluation.scores import INTERVALS, count_text, format_score, title_over_cells
from leukemia_tf.reporting import sections, summary, tables
from leukemia_tf.reporting.blocks import Code, Gallery, Page, Section, Table, Text, section
from leukemia_tf.reporting.command_line import external_command
from leukemia_tf.reporting.provenance import DATE, DIGITS, data_fingerprint, provenance
from leukemia_tf.reporting.run_page import heat_section
from leukemia_tf.runs.run_folder import RunFolder

HEADLINES = ("auroc_by_patient", "sensitivity", "specificity")  # the first that is defined
HASH = (
    "The number after the name of the scored cells' folder is the start of the SHA-256 of the sorted lines "
    "“sha256 test”, one a cell: it is the same wherever the same pictures are scored."
)


def external_page(
    network: Path,
    run: RunFolder | None,
    metrics: Mapping[str, Any],
    scored: sections.Scored,
    cells: Sequence[Cell],
    examples: Sequence[Gallery] = (),
) -> Page:
    """Return the page of external validation; what limits the scores stands above them.

    Parameters
    ----------
    network : pathlib.Path
        The `.keras` file that was scored.
    run : RunFolder or None
        Its run; None for a network without one.
    metrics : mapping
        The content of metrics.json.
    scored : Scored
        The predictions of the cells.
    cells : sequence of Cell
        The cells, with the hashes of their pixels.
    examples : sequence of Gallery
        As from `galleries`.
    """
    settings = run.read_config() if run else {}
    name = settings["network"]["name"] if run else network.stem
    calibration = summary.calibration_text(metrics)
    return Page(
        title=f"{name} on {metrics['data']}",
        name=f"{name}, scored on {metrics['data']}",
        subtitle=summary.network_text(settings) if run else f"{network.name}, a network without a run folder",
        headline=_headline(metrics),
        details=_details(metrics),
        cautions=[*cautions(metrics, settings), *metrics["warnings"]],
        cautions_first=True,
        about=_about(network, run, metrics, cells),
        sections=[
            _scores(metrics),
            sections.performance(scored, calibration, metrics["decision"]["calibration_verdict"]),
            sections.threshold_section(scored),
            sections.patients_section(scored),
            sections.wrong_section(scored, metrics["wrong_cells"]),
            *heat_section(examples),
            _reproduce(metrics, bool(run)),
        ],
    )


def _headline(metrics: Mapping[str, Any]) -> str:
    """Return the AUROC by patient; where a class is missing, the share of the other one's cells that is right."""
    scores = metrics["parts"]["test"]["cell"]
    name = next((name for name in HEADLINES if _is_defined(scores[name])), HEADLINES[0])
    title = title_over_cells(name)
    return f"{title[0].upper()}{title[1:]} {format_score(scores[name])}"


def _is_defined(score: Mapping[str, float | None]) -> bool:
    return format_score(score) != "undefined"


def _details(metrics: Mapping[str, Any]) -> str:
    test = metrics["parts"]["test"]
    views = "" if metrics["tta"] == "none" else f", mean over {metrics['tta']} views"
    area = test["cell"]["auroc"]
    auroc = f" {title_over_cells('auroc')} {format_score(area)}." if _is_defined(area) else ""
    return f"on {count_text(test)}, all labelled cells of {metrics['data']}{views}.{auroc} In brackets: {INTERVALS}."


def _about(network: Path, run: RunFolder | None, metrics: Mapping[str, Any], cells: Sequence[Cell]) -> dict[str, str]:
    fingerprint = data_fingerprint([replace(cell, split="test") for cell in cells])
    scored = {"Scored cells": f"{metrics['data']} ({fingerprint})"}
    if run:
        rows = provenance(run, read_cells(run.cells), read_json(run.environment))
        return {
            {"Data fingerprint": "Data fingerprint (run)"}.get(key, key): value for key, value in rows.items()
        } | scored
    return {
        "Network": f"{network.name} ({file_hash(network)[:DIGITS]})",
        "Report written": f"{datetime.now(UTC):{DATE}}",
        "leukemia_tf": __version__,
    } | scored


def _scores(metrics: Mapping[str, Any]) -> Section:
    test, threshold = metrics["parts"]["test"], metrics["decision"]["threshold"]
    titles, *rows = tables.pooled_score_rows({"": test})
    permutation = summary.permutation_sentence(test)
    return section(
        "scores",
        "Scores",
        sections.how_scored(f"the network's threshold, {threshold:.3g},"),
        Table("scores", "Scores on the external cells.", titles, rows, stacked=True),
        Text(permutation) if permutation else None,
    )


def _reproduce(metrics: Mapping[str, Any], has_run: bool) -> Section:
    return section(
        "reproduce",
        "Reproduce these scores",
        Text("Paths are shown by their last name."),
        Code(external_command(metrics)),
        Text(f"{summary.HASHES if has_run else ''} {HASH}".strip()),
    )
