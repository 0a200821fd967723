"""`python -m leukemia_tf.crossval`: a recipe on every patient, each judged by networks that never saw the patient."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from leukemia_tf.assemble import check_count, check_setup
from leukemia_tf.cli import run_command
from leukemia_tf.config import CrossvalConfig
from leukemia_tf.engine import check_engine, each
from leukemia_tf.errors import RunError, UserError
from leukemia_tf.recipes import recipe_asked
from leukemia_tf.run import new_run_path
from leukemia_tf.study import Study, study_asked
from leukemia_tf.train import settled, train_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukemia_tf.data.catalog import Cell
    from leukemia_tf.run import RunFolder

log = logging.getLogger("leukemia_tf")

KIND = "crossval"


def crossval(asked: CrossvalConfig | None = None) -> Study:
    """Train a network a fold, and judge every cell by the one that has not seen its patient.

    Parameters
    ----------
    asked : CrossvalConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    Study
        The folder: a run a fold, out-of-fold predictions, metrics.json and figures.

    Raises
    ------
    UserError
        For what the user can mend. If a fold leaks, nothing is reported.
    """
    asked = asked or CrossvalConfig()
    begun, config, words = study_asked(asked, KIND)
    _check(config)

    from leukemia_tf.data.folds import read_folds
    from leukemia_tf.fold_scores import report

    found, same, told = _cells(config)
    study = begun or Study(asked.out or new_run_path(f"{config.base}-{KIND}"))
    if not begun:
        study.write_config(KIND, asked=words, data={**told, "same_patients": same})
    if not study.folds.is_file():
        _draw(study, config, found, same)
    folds = read_folds(study.folds)
    if [(cell.path, cell.sha256) for cell in folds.cells] != [(cell.path, cell.sha256) for cell in found]:
        raise RunError(f"the cells in {told['folder']} are not those that {study} began with: put them back.")
    keys = list(product(folds.by_seed, range(config.folds)))
    pieces = ((study, config, folds.cells, folds.by_seed[seed], seed, fold) for seed, fold in keys)
    runs = {}
    try:
        for number, run in each(_train_fold, pieces, config):
            runs[keys[number]] = run
            log.info("%d of %d folds are finished", len(runs), len(keys))
    except KeyboardInterrupt:
        log.warning("all folds go on by: python -m leukemia_tf.crossval --out %s --resume", study)
        raise
    report(study, config, folds, {key: runs[key] for key in keys})
    return study


def _check(config: CrossvalConfig) -> None:
    """Stop at flags that cannot be, before anything is read."""
    from leukemia_tf.models.table import find_architecture

    if config.split not in ("patient", "image"):
        raise UserError(
            f"--split {config.split}: crossval draws its folds itself, by `patient` or, to show the leak, `image`."
        )
    if config.refit:
        raise UserError("--refit trains one network on all patients: name a run of a fold to `train --refit`.")
    check_engine(config)
    check_count("folds", config.folds, 2)
    check_count("repeats", config.repeats)
    for flag, share in (("holdout", config.holdout), ("validation", config.validation)):
        if not 0 <= share < 1:
            raise UserError(f"--{flag} {share}: it takes a share, 0 or more and less than 1.")
    check_setup(settled(config), find_architecture(config.base))


def _cells(config: CrossvalConfig) -> tuple[tuple[Cell, ...], tuple, dict]:
    """Return the labelled cells, the patients who are one, and where the cells lie."""
    from leukemia_tf.data.prepare import read_sound, same_patients
    from leukemia_tf.data.source import find_source

    source = find_source(config.data)
    _, examination = read_sound(source.folder, config.on_bad_image)
    same = same_patients(examination.cells, examination.twins())
    return examination.cells, same, {"name": source.name, "folder": source.folder}


def _draw(study: Study, config: CrossvalConfig, cells: Sequence[Cell], same: tuple) -> None:
    """Draw who is set aside, and which fold judges each other cell, for every seed; write it down."""
    from leukemia_tf.data.folds import FoldTable, draw_folds, write_folds
    from leukemia_tf.data.protocols import hold_out
    from leukemia_tf.data.splits import aliases

    alias = aliases(same)
    aside = set(hold_out(cells, config.seed, alias, config.holdout)[1]) if config.holdout else set()
    inside = [index for index, cell in enumerate(cells) if cell.patient not in aside]
    drawn = {}
    for seed in range(config.seed, config.seed + config.repeats):
        folds = draw_folds([cells[index] for index in inside], alias, config.split, seed, config.folds)
        judged_by: list[int | None] = [None] * len(cells)
        for fold, (_, judged) in enumerate(folds):
            for place in judged:
                judged_by[inside[place]] = fold
        drawn[seed] = judged_by
    write_folds(study.folds, FoldTable(tuple(cells), drawn))


def _train_fold(
    study: Study, config: CrossvalConfig, cells: Sequence[Cell], judged_by: Sequence[int | None], seed: int, fold: int
) -> RunFolder:
    """Train a fold's run, or go on with it, or find it finished."""
    name = f"seed-{seed}-fold-{fold}"
    log.info("\n== fold %d of %d, seed %d", fold + 1, config.folds, seed)
    judged = [cell for cell, by in zip(cells, judged_by) if by == fold]
    others = [cell for cell, by in zip(cells, judged_by) if by not in (None, fold)]
    split = _write_split(study, config, name, judged, others, seed)
    return train_once(config.of_train(split=split, seed=seed, out=study.run(name).path))


def _write_split(
    study: Study, config: CrossvalConfig, name: str, judged: Sequence[Cell], others: Sequence[Cell], seed: int
) -> str:
    """Write the split of a fold, a share of the others being for validation; return what `--split` takes."""
    from leukemia_tf.data.catalog import write_cells
    from leukemia_tf.data.protocols import hold_out, hold_out_by_image
    from leukemia_tf.data.splits import Split, aliases, natural, write_split

    if config.split == "image":
        own = [*hold_out_by_image(others, seed, config.validation), *(replace(cell, split="test") for cell in judged)]
        return f"image:{write_cells(study.split(name, '.csv'), own)}"
    alias = aliases(study.read_config()["data"]["same_patients"])
    everyone = tuple(sorted({cell.patient for cell in others}, key=natural))
    parts = hold_out(others, seed, alias, config.validation) if config.validation else (everyone, ())
    test = tuple(sorted({cell.patient for cell in judged}, key=natural))
    return str(write_split(study.split(name, ".json"), Split("patient", seed, *parts, test)))


if __name__ == "__main__":
    run_command(KIND, CrossvalConfig, crossval, partial(recipe_asked, kind=CrossvalConfig))
