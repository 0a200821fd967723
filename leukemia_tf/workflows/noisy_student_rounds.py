"""The rounds of one fold of `noisy_student`: a teacher, then one student after the other."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from leukemia_tf.config import NoisyStudentConfig, TrainConfig
from leukemia_tf.core.files import read_json
from leukemia_tf.data.catalog import Cell, write_cells
from leukemia_tf.data.folds import SemiSupervisedFold
from leukemia_tf.data.splits import write_split
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.runs.study_folder import Study
from leukemia_tf.workflows.noisy_student_labels import pseudo_label_cells
from leukemia_tf.workflows.train import train_once

log = logging.getLogger("leukemia_tf")


@dataclass(frozen=True)
class Round:
    """A network of one round.

    Parameters
    ----------
    fold, number : int
        Of the fold; of the round, 0 for the teacher.
    run : RunFolder
        Finished.
    pseudo_labelled : tuple of Cell
        The training cells with a predicted label.
    truth : mapping
        The label of each cell by path, where it is known.
    """

    fold: int
    number: int
    run: RunFolder
    pseudo_labelled: tuple[Cell, ...] = ()
    truth: Mapping[str, str] = field(default_factory=dict)

    @property
    def validation(self) -> float:
        """AUROC by patient on the validation patients."""
        return self._score("val")

    @property
    def test(self) -> float:
        """The same on the test patients; nothing is selected by it."""
        return self._score("test")

    def _score(self, part: str) -> float:
        return read_json(self.run.metrics)["parts"][part]["cell"]["auroc_by_patient"]["value"]

    @property
    def right(self) -> float:
        """The share of correct pseudo-labels among those whose truth is known; NaN where none is."""
        known = [self.truth[cell.path] == cell.label for cell in self.pseudo_labelled if cell.path in self.truth]
        return sum(known) / len(known) if known else math.nan


@dataclass(frozen=True)
class FoldInputs:
    """What the networks of a fold are trained on.

    Parameters
    ----------
    number : int
        Of the fold.
    split, unlabelled_split : pathlib.Path
        Split files: with the labelled training patients, and without any.
    unlabelled : tuple of Cell
        Cells to pseudo-label.
    truth : mapping
        Labels by path; those of masked cells serve to count correct pseudo-labels only.
    """

    number: int
    split: Path
    unlabelled_split: Path
    unlabelled: tuple[Cell, ...]
    truth: Mapping[str, str]


def prepare_fold(
    study: Study, number: int, fold: SemiSupervisedFold, cells: Sequence[Cell], unlabelled: Sequence[Cell]
) -> FoldInputs:
    """Write the splits of a fold, and collect its cells without a label: the masked ones and further ones."""
    masked = [replace(cell, label="", split="") for cell in cells if cell.patient in fold.masked]
    return FoldInputs(
        number,
        write_split(study.split(f"fold-{number}", ".json"), fold.split),
        write_split(study.split(f"fold-{number}-alone", ".json"), replace(fold.split, train=())),
        (*masked, *unlabelled),
        {cell.path: cell.label for cell in cells},
    )


def train_rounds(study: Study, config: NoisyStudentConfig, inputs: FoldInputs) -> list[Round]:
    """Train a fold's teacher and students; `stop="worse"` ends it at the first that is worse on validation."""
    rounds = [_train_teacher(study, config, inputs)]
    while len(rounds) <= config.rounds:
        student = _train_student(study, config, inputs, rounds[-1])
        if student is None:
            log.warning("WARNING: the rounds end: the last network is confident about too few cells")
            break
        rounds.append(student)
        if config.stop == "worse" and is_worse(rounds[-1], rounds[-2]):
            log.info("the rounds end: this student is worse than its teacher on the validation patients")
            break
    return rounds


def is_worse(student: Round, teacher: Round) -> bool:
    """Return whether a student's AUROC by patient on the validation patients is below its teacher's."""
    return student.validation < teacher.validation


def selected_round(rounds: Sequence[Round], stop: str) -> Round:
    """Return the selected network of a fold: the last; with `stop="worse"` the one before, if the last is worse."""
    ended = stop == "worse" and len(rounds) > 1 and is_worse(rounds[-1], rounds[-2])
    return rounds[-2] if ended else rounds[-1]


def _train_teacher(study: Study, config: NoisyStudentConfig, inputs: FoldInputs) -> Round:
    log.info("\n== fold %d of %d: teacher", inputs.number + 1, config.folds)
    run = study.run(f"fold-{inputs.number}-teacher")
    return Round(inputs.number, 0, train_once(_train_config(config, run, split=str(inputs.split))))


def _train_student(study: Study, config: NoisyStudentConfig, inputs: FoldInputs, teacher: Round) -> Round | None:
    """Train the next student; None if the teacher is confident about too few cells."""
    number = teacher.number + 1
    log.info("\n== fold %d of %d: round %d of %d", inputs.number + 1, config.folds, number, config.rounds)
    name = f"fold-{inputs.number}-round-{number}"
    path = study.pseudo_labels(name)
    cells = pseudo_label_cells(teacher.run, config, path, inputs.unlabelled)
    if len({cell.label for cell in cells}) < 1 + config.alone:
        return None
    if not path.is_file():
        write_cells(path, cells)
    split = inputs.unlabelled_split if config.alone else inputs.split
    student = _train_config(
        config,
        study.run(name),
        split=str(split),
        base=config.student_base or config.base,
        pseudo_labels=path,
        **_noise(config),
    )
    return Round(inputs.number, number, train_once(student), tuple(cells), inputs.truth)


def _train_config(config: NoisyStudentConfig, run: RunFolder, **changes: Any) -> TrainConfig:
    """Return the settings of one training; the recipe belongs to this command, not to `train`."""
    return config.of_train(out=run.path, recipe=None, **changes)


def _noise(config: NoisyStudentConfig) -> dict[str, Any]:
    """Return the settings that make a student's task harder than its teacher's: augmentation and dropout."""
    return {"augment": replace(config.augment, dihedral=True), "dropout": config.student_dropout}
