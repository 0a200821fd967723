"""A recipe on all patients, each tested by a network that never saw them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from leukemia_tf.config import CrossvalConfig
from leukemia_tf.core.errors import ArgumentError, RunError
from leukemia_tf.core.locks import locked
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.folds import FoldTable, read_folds, write_folds
from leukemia_tf.data.patient_groups import list_patient_groups
from leukemia_tf.data.prepare import find_doubles, scan_folder, warn_of_joined
from leukemia_tf.data.source import find_source
from leukemia_tf.runs.open_runs import new_run_path
from leukemia_tf.runs.parallel import check_engine, run_tasks
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import CROSSVAL, Study, resolve_study
from leukemia_tf.training.settings import check_count
from leukemia_tf.workflows.crossval_folds import draw_fold_table, write_fold_split
from leukemia_tf.workflows.crossval_report import Runs, report
from leukemia_tf.workflows.resolve import resolve_settings
from leukemia_tf.workflows.train import train_once

log = logging.getLogger("leukemia_tf")

KIND = CROSSVAL


def crossval(config: CrossvalConfig) -> Study:
    """Run the command `crossval`; see `leukemia_tf.crossval.crossval`."""
    with locked(config.out):
        return _crossval(config)


def _crossval(config: CrossvalConfig) -> Study:
    started, config, requested = resolve_study(config, KIND)
    _check(config)
    cells, areas, groups, data = _read_cells(config)
    study = started or _start(config, requested, data)
    if not study.folds.is_file():
        write_folds(study.folds, draw_fold_table(config, cells, groups))
    folds = read_folds(study.folds)
    _check_same_cells(study, folds, cells, data["folder"])
    report(study, config, folds, _train_folds(study, config, folds), areas)
    return study


def _check(config: CrossvalConfig) -> None:
    """Stop at settings that cannot be used, before any image is read."""
    if config.split not in ("patient", "image"):
        problem = "crossval draws its folds itself: it takes patient, or image to measure the leak."
        raise ArgumentError("split", config.split, problem)
    if config.refit:
        problem = (
            "it trains one network on all patients: give the run of a fold to `python -m leukemia_tf.train --refit`."
        )
        raise ArgumentError("refit", config.refit, problem)
    check_engine(config)
    check_count("folds", config.folds, 2)
    check_count("repeats", config.repeats)
    for name, share in (("holdout", config.holdout), ("validation", config.validation)):
        if not 0 <= share < 1:
            raise ArgumentError(name, share, "it takes a share, 0 or more and less than 1.")
    resolve_settings(config)


def _read_cells(
    config: CrossvalConfig,
) -> tuple[tuple[Cell, ...], dict[str, int], tuple[tuple[str, ...], ...], dict[str, Any]]:
    """Return the labelled cells, areas by path, patients with several names, and what study.json says of the data."""
    source = find_source(config.data)
    catalog, scanned = scan_folder(source.folder, config.on_bad_image, config)
    doubles = find_doubles(catalog, scanned, config.cnmc_doubles)
    groups = list_patient_groups(scanned.cells, scanned.near_duplicates(), doubles)
    warn_of_joined(groups, {cell.patient for cell in scanned.cells})
    areas = {cell.path: one.area for cell, one in zip(scanned.cells, scanned.statistics)}
    return scanned.cells, areas, groups, {"name": source.name, "folder": source.folder, "same_patients": groups}


def _start(config: CrossvalConfig, requested: dict[str, Any], data: dict[str, Any]) -> Study:
    study = Study(config.out or new_run_path(f"{config.base}-{KIND}"))
    study.write_config(KIND, asked=requested, data=data)
    return study


def _check_same_cells(study: Study, folds: FoldTable, cells: Sequence[Cell], folder: Path) -> None:
    if [(cell.path, cell.sha256) for cell in folds.cells] != [(cell.path, cell.sha256) for cell in cells]:
        raise RunError(f"the cells in {folder} are not those that {study} was started with: put them back.")


def _train_folds(study: Study, config: CrossvalConfig, folds: FoldTable) -> Runs:
    """Train the network of every seed and fold; finished ones are kept."""
    keys = list(product(folds.by_seed, range(config.folds)))
    tasks = ((study, config, folds.cells, folds.by_seed[seed], seed, fold) for seed, fold in keys)
    runs = {}
    try:
        for number, run in run_tasks(_train_fold, tasks, config):
            runs[keys[number]] = run
            log.info("%d of %d folds are finished", len(runs), len(keys))
    except KeyboardInterrupt:
        log.warning("continue with: python -m leukemia_tf.crossval --out %s --resume", study)
        raise
    return {key: runs[key] for key in keys}


def _train_fold(
    study: Study, config: CrossvalConfig, cells: Sequence[Cell], fold_of: Sequence[int | None], seed: int, fold: int
) -> RunFolder:
    """Train one fold's run, continue it, or return it if it is finished."""
    name = f"seed-{seed}-fold-{fold}"
    log.info("\n== fold %d of %d, seed %d", fold + 1, config.folds, seed)
    test = [cell for cell, number in zip(cells, fold_of) if number == fold]
    others = [cell for cell, number in zip(cells, fold_of) if number not in (None, fold)]
    split = write_fold_split(study, config, name, test, others, seed)
    return train_once(config.of_train(split=split, seed=seed, out=study.run(name).path))
