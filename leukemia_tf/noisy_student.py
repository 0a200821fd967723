"""`python -m leukemia_tf.noisy_student`: networks that learn from labels that a network told, round by round."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from leukemia_tf.assemble import check_count, check_setup, read_setup
from leukemia_tf.cli import run_command
from leukemia_tf.config import NoisyStudentConfig
from leukemia_tf.errors import UserError, nearest
from leukemia_tf.recipes import recipe_asked
from leukemia_tf.run import new_run_path
from leukemia_tf.study import Study, study_asked
from leukemia_tf.train import settled, train_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leukemia_tf.config import TrainConfig
    from leukemia_tf.data.catalog import Cell
    from leukemia_tf.data.folds import Halves
    from leukemia_tf.run import RunFolder
    from leukemia_tf.student_rounds import Round

log = logging.getLogger("leukemia_tf")

KIND = "noisy_student"
TOLD_AS = ("soft", "hard")


def noisy_student(asked: NoisyStudentConfig | None = None) -> Study:
    """Train a teacher on labelled cells, then students on the labels that the one before tells of other cells.

    After Xie et al. 2020, arXiv:1911.04252. A student starts from the same weights as the teacher did, and sees cells
    through noise: random views and dropout. The rounds end when a student is worse than its teacher on the validation
    patients. The test patients judge teacher and students alike, and decide nothing.

    Parameters
    ----------
    asked : NoisyStudentConfig, optional
        ResNet50 on the embedded cells by default.

    Returns
    -------
    Study
        The folder: a run a round, the pseudo-labels, rounds.csv, metrics.json; with `every_fold` also `teachers` and
        `students`, ensembles of the folds' networks that vote.

    Raises
    ------
    UserError
        For what the user can mend.
    """
    asked = asked or NoisyStudentConfig()
    begun, config, words = study_asked(asked, KIND)
    _check(config)

    from leukemia_tf.data.folds import halve_folds
    from leukemia_tf.data.splits import aliases
    from leukemia_tf.student_rounds import report, unlabelled_cells

    _, source, prepared = read_setup(settled(config))
    aside = unlabelled_cells(config.unlabelled, source.folder, prepared) if config.unlabelled else ()
    masked = 0.0 if config.unlabelled else config.masked
    drawn = halve_folds(prepared.cells, prepared.split, aliases(prepared.same), config.folds, masked, config.seed)
    folds = drawn if config.every_fold else drawn[:1]
    study = begun or Study(asked.out or new_run_path(f"{config.base}-{KIND}"))
    if not begun:
        study.write_config(KIND, asked=words, data={"name": source.name, "folder": source.folder})
    rounds = []
    try:
        for number, fold in enumerate(folds):
            rounds.append(_rounds(study, config, prepared.cells, aside, fold, number))
    except KeyboardInterrupt:
        log.warning("finished rounds are kept; go on: python -m leukemia_tf.noisy_student --out %s --resume", study)
        raise
    report(study, config, rounds)
    return study


def _check(config: NoisyStudentConfig) -> None:
    """Stop at flags that cannot be, before anything is read."""
    from leukemia_tf.models.table import find_architecture

    check_count("rounds", config.rounds)
    check_count("folds", config.folds, 2)
    if config.labels not in TOLD_AS:
        raise UserError(f"--labels {config.labels}: {nearest(config.labels, TOLD_AS)}")
    if not 0.5 <= config.confidence < 1:
        raise UserError(f"--confidence {config.confidence}: it takes a probability, 0.5 or more and less than 1.")
    if not 0 < config.masked < 1:
        raise UserError(f"--masked {config.masked}: it takes a share, more than 0 and less than 1.")
    if config.split.startswith("image"):
        raise UserError(f"--split {config.split}: a teacher that knows a patient labels the patient's cells too well.")
    if config.refit or config.pseudo_labels:
        raise UserError("--refit and --pseudo-labels are train's alone.")
    own = settled(config)
    for base in (own.base, own.student_base or own.base):
        check_setup(replace(own, base=base), find_architecture(base))


def _rounds(
    study: Study, config: NoisyStudentConfig, cells: Sequence[Cell], aside: Sequence[Cell], fold: Halves, number: int
) -> list[Round]:
    """Train a fold's teacher and students, until one is worse on the validation patients than the one before."""
    from leukemia_tf.data.catalog import write_cells
    from leukemia_tf.data.splits import write_split
    from leukemia_tf.student_rounds import Round, is_worse, tell_labels

    both = write_split(study.split(f"fold-{number}", ".json"), fold.split)
    alone = write_split(study.split(f"fold-{number}-alone", ".json"), replace(fold.split, train=()))
    masked = [replace(cell, label="", split="") for cell in cells if cell.patient in fold.masked]
    truth = {cell.path: cell.label for cell in cells}
    log.info("\n== fold %d of %d: teacher", number + 1, config.folds)
    teacher = train_once(_asked(config, study.run(f"fold-{number}-teacher"), split=str(both)))
    found = [Round(number, 0, teacher)]
    for turn in range(1, config.rounds + 1):
        log.info("\n== fold %d of %d: round %d of %d", number + 1, config.folds, turn, config.rounds)
        name = f"fold-{number}-round-{turn}"
        path = study.pseudo_labels(name)
        told = tell_labels(found[-1].run, config, path, [*masked, *aside])
        if len({cell.label for cell in told}) < 1 + config.alone:
            log.warning("WARNING: the rounds end: the network before is sure of too few cells to learn from")
            break
        if not path.is_file():
            write_cells(path, told)
        student = {"base": config.student_base or config.base, **_noise(config), "pseudo_labels": path}
        run = train_once(_asked(config, study.run(name), split=str(alone if config.alone else both), **student))
        found.append(Round(number, turn, run, tuple(told), truth))
        if is_worse(found[-1], found[-2]):
            log.info("the rounds end: this student is worse than its teacher on the validation patients")
            break
    return found


def _asked(config: NoisyStudentConfig, run: RunFolder, **changes: object) -> TrainConfig:
    """Return what a round asks of `train`; a recipe's name is of this command, not of `train`."""
    return config.of_train(out=run.path, recipe=None, **changes)


def _noise(config: NoisyStudentConfig) -> dict[str, object]:
    """Return the settings by which a student sees less than its teacher: random views and dropout."""
    augment = config.augment
    if augment.dihedral is None:
        augment = replace(augment, dihedral=True)
    return {"augment": augment, "dropout": config.student_dropout}


if __name__ == "__main__":
    run_command(KIND, NoisyStudentConfig, noisy_student, partial(recipe_asked, kind=NoisyStudentConfig))
