"""What a search asks of a configuration: its mean validation score over folds of the patients that it may train on."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import keras

from leukemia_tf.assemble import assemble
from leukemia_tf.config import EngineConfig, TrainConfig
from leukemia_tf.data.folds import draw_folds
from leukemia_tf.data.prepare import Prepared
from leukemia_tf.data.source import find_source
from leukemia_tf.data.splits import aliases
from leukemia_tf.engine import each
from leukemia_tf.errors import UserError
from leukemia_tf.models.table import find_architecture
from leukemia_tf.train import plan, task_of
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.loop import train_stages


def search_folds(prepared: Prepared, count: int, seed: int) -> list[Prepared]:
    """Return the training and validation cells as each fold has them; cells of the test part are left out.

    Parameters
    ----------
    prepared : Prepared
        Split.
    count, seed : int
        Of the folds; 0: the split's own validation part alone.
    """
    known = [cell for cell in prepared.cells if cell.split in ("train", "val")]
    if not count:
        if not any(cell.split == "val" for cell in known):
            raise UserError("--folds 0 takes the split's validation part, and it has none: say --folds 3.")
        return [replace(prepared, cells=tuple(known))]
    placed = []
    for _, judged in draw_folds(known, aliases(prepared.same), "patient", seed, count):
        held = set(judged.tolist())
        parts = (replace(cell, split="val" if place in held else "train") for place, cell in enumerate(known))
        placed.append(replace(prepared, cells=tuple(parts)))
    return placed


def mean_score(config: TrainConfig, folds: Sequence[Prepared], work: Path, engine: EngineConfig) -> float:
    """Train a configuration on each fold; return the mean AUROC by patient on the folds' `val` parts.

    Parameters
    ----------
    config : TrainConfig
        What is trained.
    folds : sequence of Prepared
        As from `search_folds`.
    work : pathlib.Path
        Folder for states; it is gone afterwards.
    engine : EngineConfig
        Where the folds are trained.
    """
    pieces = ((config, prepared, work / f"fold-{number}") for number, prepared in enumerate(folds))
    scores = dict(each(_score, pieces, engine))
    shutil.rmtree(work, ignore_errors=True)
    return sum(scores[number] for number in range(len(folds))) / len(folds)


def _score(config: TrainConfig, prepared: Prepared, work: Path) -> float:
    """Train a configuration on a fold, anew; return its AUROC by patient on the fold's `val` part."""
    shutil.rmtree(work, ignore_errors=True)
    keras.utils.clear_session()
    scope, _ = prepare_devices(config.precision, config.devices)
    with scope:
        assembled = assemble(config, find_architecture(config.base), find_source(config.data), prepared)
        task = task_of(assembled, work / "history.csv", work / "states", lambda row, losses: None)
        rows = train_stages(task, plan(config, assembled))
    return float(next(row["val_auroc_by_patient"] for row in reversed(rows) if int(row["best"])))
