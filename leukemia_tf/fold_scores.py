"""What the folds of a cross-validation come to: checked, pooled, scored, drawn."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np

from leukemia_tf.config import CrossvalConfig
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.folds import FoldTable
from leukemia_tf.data.splits import aliases, people
from leukemia_tf.errors import RunError
from leukemia_tf.evaluation import plots
from leukemia_tf.evaluation.figures import pooled_figures
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import Prediction, by_person, read_predictions, write_predictions
from leukemia_tf.evaluation.scores import LEAKS, score_part, spread, written
from leukemia_tf.explain.error_analysis import draw_histories
from leukemia_tf.files import read_csv, read_json, write_json
from leukemia_tf.holdout import score_holdout
from leukemia_tf.run import RunFolder
from leukemia_tf.study import Study

log = logging.getLogger("leukemia_tf")

Runs = Mapping[tuple[int, int], RunFolder]  # by seed and fold
TOLD = {"auroc_by_patient": "AUROC by patient", "auroc": "AUROC", "weighted_f1": "weighted F1", "accuracy": "accuracy"}


def report(study: Study, config: CrossvalConfig, folds: FoldTable, runs: Runs) -> dict:
    """Score finished folds: writes predictions, metrics.json and figures into the study's folder, and logs a table.

    Returns
    -------
    dict
        The content of metrics.json.

    Raises
    ------
    RunError
        If a fold judged other cells than it was drawn for, or has seen a patient whom it judges: nothing is written.
    """
    data = study.read_config()["data"]
    check_folds(folds, runs, data["same_patients"], leaks=config.split == "image")
    judged = {key: read_json(run.metrics) for key, run in runs.items()}
    metrics: dict[str, object] = {
        "protocol": config.split,
        **({"caution": LEAKS} if config.split == "image" else {}),
        **{"folds": config.folds, "seeds": list(folds.by_seed), "validation": config.validation, "data": data["name"]},
        "bootstrap_seed": config.seed,
        "parts": {},
    }
    for seed in folds.by_seed:
        rows, lines = _pooled(folds, runs, judged, seed)
        write_predictions(study.predictions(f"seed-{seed}"), rows)
        rows = by_person(rows, data["same_patients"])
        metrics["parts"][f"seed-{seed}"] = score_part(rows, lines, config.seed)
        scores = metrics["parts"][f"seed-{seed}"]["cell"]
        for name, figure in pooled_figures(rows, scores, float(np.median(lines))).items():
            plots.save(figure, study.figure(f"{name}-seed-{seed}"))
    metrics["runs"] = [_row(seed, fold, run, judged[seed, fold]) for (seed, fold), run in runs.items()]
    metrics["over_folds"] = spread(metrics["runs"])
    histories = {f"seed {seed}, fold {fold}": read_csv(run.history) for (seed, fold), run in runs.items()}
    plots.save(draw_histories(histories), study.figure("histories"))
    if config.holdout:
        aside = [cell for cell, by in zip(folds.cells, folds.by_seed[config.seed]) if by is None]
        metrics["holdout"] = score_holdout(aside, runs, data["same_patients"], config.seed)
    path = write_json(study.metrics, metrics)
    log.info("%s", path.read_text(encoding="utf-8") if config.json else _table(metrics))
    if not config.json:
        log.info("\nfolder: %s", study)
    return metrics


def check_folds(folds: FoldTable, runs: Runs, same: Sequence[Sequence[str]], leaks: bool = False) -> None:
    """Stop if a run judged other cells than its fold's, or trained on a patient whom it judges or who is set aside.

    Parameters
    ----------
    folds : FoldTable
        Who was to judge what.
    runs : mapping
        By seed and fold.
    same : sequence of sequence of str
        Names of one person.
    leaks : bool
        Whether the folds are by image, which leaks patients on purpose.
    """
    alias = aliases(same)
    who = dict(zip((cell.path for cell in folds.cells), people(folds.cells, alias).tolist()))
    for (seed, fold), run in runs.items():
        cells = read_cells(run.cells)
        placed = dict(zip((cell.path for cell in folds.cells), folds.by_seed[seed]))
        judged = {cell.path for cell in cells if cell.split == "test"}
        seen = people([cell for cell in cells if cell.split in ("train", "val")], alias)
        if judged != {path for path, by in placed.items() if by == fold}:
            raise RunError(
                f"{run} judged other cells than fold {fold} was drawn for: delete it, and go on by --resume."
            )
        aside = {who[path] for path, by in placed.items() if by is None}
        unseen = aside if leaks else aside | {who[path] for path in judged}
        leaked = sorted(unseen & set(seen.tolist()))
        if leaked:
            raise RunError(f"leak: {run} was trained on patient {leaked[0]}, whom it judges. Nothing is reported.")


def _pooled(
    folds: FoldTable, runs: Runs, judged: Mapping[tuple[int, int], dict], seed: int
) -> tuple[list[Prediction], np.ndarray]:
    """Return what each cell's own fold said of it, and that fold's threshold: float [n]."""
    found: dict[str, tuple[Prediction, float]] = {}
    for (own, fold), run in runs.items():
        if own == seed:
            line = judged[own, fold]["decision"]["threshold"]
            found |= {row.path: (row, line) for row in read_predictions(run.predictions("test"))}
    pairs = [found[cell.path] for cell in folds.cells if cell.path in found]
    return [row for row, _ in pairs], np.array([line for _, line in pairs])


def _row(seed: int, fold: int, run: RunFolder, metrics: dict) -> dict[str, object]:
    """Return what one fold came to."""
    test, history = metrics["parts"]["test"], read_csv(run.history)
    return {
        **{"seed": seed, "fold": fold, "run": run.path.name, "cells": test["cells"], "patients": test["patients"]},
        **{"epochs": len(history), "seconds": sum(float(row["seconds"]) for row in history)},
        **{metric: test["cell"][metric]["value"] for metric in METRICS},
    }


def _table(metrics: dict) -> str:
    """Return the folds, their mean and spread, and the pooled scores as text."""
    lines = [""] + ([metrics["caution"]] if "caution" in metrics else [])
    lines.append(f"{'':<18} {'cells':>6} {'all':>4} {'hem':>4}  " + "".join(f"{name:<24}" for name in TOLD.values()))
    for row in metrics["runs"]:
        counts = f"{row['cells']:>6} {row['patients']['all']:>4} {row['patients']['hem']:>4}  "
        name = f"seed {row['seed']}, fold {row['fold']}"
        lines.append(f"{name:<18} {counts}" + "".join(f"{_short(row[metric]):<24}" for metric in TOLD))
    over = [metrics["over_folds"][metric] for metric in TOLD]
    lines.append(f"{'mean (sd)':<36}" + "".join(f"{_spread_told(one):<24}" for one in over))
    for name, part in metrics["parts"].items():
        who = f"{part['patients']['all']:>4} {part['patients']['hem']:>4}  "
        told = "".join(f"{written(part['cell'][metric]):<24}" for metric in TOLD)
        lines.append(f"{name.replace('-', ' ') + ', pooled':<18} {part['cells']:>6} {who}{told}")
    lines.append(f"folds by {metrics['protocol']}; 95 % intervals from resampling patients; folds share their training")
    if "holdout" in metrics:
        lines += _holdout_table(metrics["holdout"])
    return "\n".join(lines)


def _holdout_table(found: dict) -> list[str]:
    patients = found["mean"]["patients"]
    who = f"{patients['all']} leukemic and {patients['hem']} healthy patients"
    lines = ["", f"set aside: {found['mean']['cells']} cells of {who}"]
    over = [found["over_folds"][metric] for metric in TOLD]
    lines.append(f"{'folds, mean (sd)':<36}" + "".join(f"{_spread_told(one):<24}" for one in over))
    for name in ("vote", "mean"):
        told = "".join(f"{written(found[name]['cell'][metric]):<24}" for metric in TOLD)
        lines.append(f"{'their ' + name:<36}{told}")
    return lines


def _spread_told(one: dict[str, float]) -> str:
    return f"{one['mean']:.3f} ({one['sd']:.3f})"


def _short(value: float | None) -> str:
    return "undefined" if value is None or not np.isfinite(value) else f"{value:.3f}"
