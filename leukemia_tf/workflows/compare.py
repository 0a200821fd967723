"""Which run is better, by how much, and what each gets wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.config import CompareConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.core.files import write_csv, write_json
from leukemia_tf.evaluation.intervals import paired_difference
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import arrays
from leukemia_tf.evaluation.scores import footnote, format_score, title_over_cells
from leukemia_tf.reporting import error_analysis as errors
from leukemia_tf.reporting.compare_page import compare_page
from leukemia_tf.reporting.finished_runs import FinishedRun, read_finished_runs, training_seconds
from leukemia_tf.reporting.page import write_page
from leukemia_tf.reporting.tables import wrong_cell_groups
from leukemia_tf.reporting.wrong_cells import compare_wrong_predictions, measure_cells
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.compare_galleries import draw_galleries, find_folder, gallery_files, page_galleries

log = logging.getLogger("leukemia_tf")

METRICS = ("auroc_by_patient", "auroc", "weighted_f1", "accuracy")
COSTS = ("auroc_by_patient", "parameters", "seconds")


def compare(config: CompareConfig) -> dict[str, Any]:
    """Run the command `compare`; see `leukemia_tf.compare.compare`."""
    if len(config.runs) < 2:
        raise UserError("compare takes two or more run folders.")
    members = read_finished_runs(config.runs)
    wrong = _wrong_predictions(members)
    comparison = _compare_scores(members) | _count_errors(members, wrong)
    folder = find_folder(members)
    if folder:
        by_all = np.logical_and.reduce(wrong)
        shapes = measure_cells(members[0].predictions, folder)
        comparison["wrong_cells"] = compare_wrong_predictions(shapes, members[0].predictions, by_all)
    figures = _draw(members, wrong, comparison)
    sheets = draw_galleries(members, wrong, folder)
    _write(config.out, members, wrong, comparison, {**figures, **sheets})
    page = compare_page(comparison, figures, page_galleries(members, wrong, folder))
    report = write_page(RunFolder(config.out).report, page)
    if config.json:
        log.info("%s", (config.out / "compare.json").read_text(encoding="utf-8"))
    else:
        log.info("%s", _table(comparison))
        log.info("\nreport: %s; beside it compare.json, errors.csv and %d figures", report, len(figures) + len(sheets))
    return comparison


def _wrong_predictions(members: Sequence[FinishedRun]) -> np.ndarray:
    """Return which predictions are wrong: bool [runs, n]."""
    labels, _, _ = arrays(members[0].predictions)
    leukemic = np.array([[row.prediction == "all" for row in member.predictions] for member in members])
    return errors.misclassified(labels, leukemic.astype(int))


def _compare_scores(members: Sequence[FinishedRun]) -> dict[str, Any]:
    """Return each run's scores and costs, and its difference to the first run."""
    first = members[0]
    labels, _, patients = arrays(first.predictions)
    return {
        "cells": len(labels),
        "patients": len(set(patients.tolist())),
        "protocol": first.metrics["protocol"],
        "cautions": {member.name: member.metrics["caution"] for member in members if "caution" in member.metrics},
        "runs": {member.name: _scores(member, first) for member in members},
    }


def _scores(member: FinishedRun, first: FinishedRun) -> dict[str, Any]:
    labels, reference, patients = arrays(first.predictions)
    thresholds = (member.threshold, first.threshold)
    difference = paired_difference(labels, member.probabilities, reference, patients, thresholds)
    scores = member.metrics["parts"]["test"]["cell"]
    return {
        **{metric: scores[metric] for metric in METRICS},
        "more_than_first": {metric: difference[metric] for metric in METRICS},
        "parameters": member.run.read_config()["network"]["parameters"],
        "seconds": training_seconds(member.run),
    }


def _count_errors(members: Sequence[FinishedRun], wrong: np.ndarray) -> dict[str, Any]:
    """Return how many cells k of the runs get wrong, how many only one gets right, and the errors per patient."""
    labels, _, patients = arrays(members[0].predictions)
    times = wrong.sum(0)
    return {
        "wrong_by": {str(count): int((times == count).sum()) for count in range(len(members) + 1)},
        "only_right": {member.name: len(cells) for member, cells in zip(members, errors.only_right(wrong))},
        "by_patient": errors.by_patient(labels, patients, wrong),
    }


def _draw(members: Sequence[FinishedRun], wrong: np.ndarray, comparison: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures by file name."""
    labels, _, _ = arrays(members[0].predictions)
    scores, parameters, seconds = ({name: row[cost] for name, row in comparison["runs"].items()} for cost in COSTS)
    return {
        "wrong-counts": errors.draw_wrong_counts(labels, wrong),
        "histories": errors.draw_histories({member.name: member.run.read_history() for member in members}),
        "scores": errors.draw_scores(scores),
        "costs": errors.draw_costs(scores, parameters, seconds),
    }


def _write(
    out: Path,
    members: Sequence[FinishedRun],
    wrong: np.ndarray,
    comparison: Mapping[str, Any],
    figures: Mapping[str, Figure],
) -> None:
    for stale in gallery_files(out):
        stale.unlink(missing_ok=True)
    for name, figure in figures.items():
        save(figure, out / f"{name}.png")
    _write_errors(out / "errors.csv", members, wrong)
    write_json(out / "compare.json", comparison)


def _write_errors(path: Path, members: Sequence[FinishedRun], wrong: np.ndarray) -> None:
    """Write each cell with the runs' probabilities and the number of wrong runs, the hardest cells first."""
    rows, names = members[0].predictions, [member.name for member in members]
    times = wrong.sum(0)
    order = sorted(range(len(rows)), key=lambda index: (-times[index], rows[index].path))
    lines = (
        {
            "path": rows[index].path,
            "patient": rows[index].patient,
            "label": rows[index].label,
            **{member.name: f"{member.predictions[index].probability:.4f}" for member in members},
            "wrong": int(times[index]),
        }
        for index in order
    )
    write_csv(path, ("path", "patient", "label", *names, "wrong"), lines)


def _table(comparison: Mapping[str, Any]) -> str:
    """Return scores and differences, one line per run."""
    runs = comparison["runs"]
    width, titles = max(map(len, runs)) + 2, [title_over_cells(metric) for metric in METRICS]
    lines = [f"{name}: {caution}" for name, caution in comparison["cautions"].items()]
    lines += [
        f"{comparison['cells']:,} test cells of {comparison['patients']} patients ({comparison['protocol']} split), "
        "95 % intervals over patients",
        f"{'':<{width}}{titles[0]:<24}{'minus the first':<26}{titles[1]:<24}{titles[2]}",
    ]
    for name, row in runs.items():
        by_patient, over_cells, weighted_f1 = (format_score(row[metric]) for metric in METRICS[:3])
        difference = format_score(row["more_than_first"]["auroc_by_patient"], "+")
        lines.append(f"{name:<{width}}{by_patient:<24}{difference:<26}{over_cells:<24}{weighted_f1}")
    lines += footnote("".join(lines))
    wrong_by = comparison["wrong_by"].items()
    lines += ["", *(f"{cells} cells are wrong by {count} of {len(runs)}" for count, cells in wrong_by)]
    for group in wrong_cell_groups(comparison.get("wrong_cells", ())):
        lines += ["", f"wrong by all, {group['title']}", f"{'':<44}{'wrong':<10}{'right':<10}wrong minus right, 95 %"]
        lines += [f"{row[0]:<44}{row[1]:<10}{row[2]:<10}{row[3]}" for row in group["rows"]]
    return "\n".join(lines)
