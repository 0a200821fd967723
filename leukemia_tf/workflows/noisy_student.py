"""Students trained on labels that a teacher predicted, round by round."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from leukemia_tf.config import NoisyStudentConfig
from leukemia_tf.core.errors import ArgumentError, UserError, nearest
from leukemia_tf.core.locks import locked
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.folds import SemiSupervisedFold, draw_semi_supervised_folds
from leukemia_tf.data.patient_groups import groups_by_patient
from leukemia_tf.data.prepare import Prepared, log_split
from leukemia_tf.data.source import Source
from leukemia_tf.runs.open_runs import new_run_path
from leukemia_tf.runs.study_folder import Study, resolve_study
from leukemia_tf.training.settings import check_count
from leukemia_tf.training.setup import read_training_cells
from leukemia_tf.workflows.noisy_student_labels import read_unlabelled
from leukemia_tf.workflows.noisy_student_report import report
from leukemia_tf.workflows.noisy_student_rounds import Round, prepare_fold, train_rounds
from leukemia_tf.workflows.resolve import resolve_settings

log = logging.getLogger("leukemia_tf")

KIND = "noisy_student"
TARGETS = ("soft", "hard")
STOPS = ("never", "worse")


def noisy_student(config: NoisyStudentConfig) -> Study:
    """Run the command `noisy_student`; see `leukemia_tf.noisy_student.noisy_student`."""
    with locked(config.out):
        return _noisy_student(config)


def _noisy_student(config: NoisyStudentConfig) -> Study:
    started, config, requested = resolve_study(config, KIND)
    _check(config)
    _, source, prepared = read_training_cells(resolve_settings(config))
    log_split(prepared)
    unlabelled = read_unlabelled(config.unlabelled, source.folder, prepared, config) if config.unlabelled else ()
    folds = _draw_folds(config, prepared)
    study = started or _start(config, requested, source)
    report(study, config, _train_folds(study, config, prepared.cells, unlabelled, folds))
    return study


def _check(config: NoisyStudentConfig) -> None:
    """Stop at settings that cannot be used, before any image is read."""
    check_count("rounds", config.rounds)
    check_count("folds", config.folds, 2)
    for name, choices in (("targets", TARGETS), ("stop", STOPS)):
        if getattr(config, name) not in choices:
            raise ArgumentError(name, getattr(config, name), nearest(getattr(config, name), choices))
    if not 0.5 <= config.confidence < 1:
        raise ArgumentError("confidence", config.confidence, "it takes a probability, 0.5 or more and less than 1.")
    if not 0 < config.masked < 1:
        raise ArgumentError("masked", config.masked, "it takes a share, more than 0 and less than 1.")
    if config.split.startswith("image"):
        problem = "a teacher that was trained on a patient labels that patient's cells too well: split by patient."
        raise ArgumentError("split", config.split, problem)
    if config.refit or config.pseudo_labels:
        raise UserError("`refit` and `pseudo_labels` are settings of `train` only.")
    for base in (config.base, config.student_base or config.base):
        resolve_settings(replace(config, base=base))


def _draw_folds(config: NoisyStudentConfig, prepared: Prepared) -> list[SemiSupervisedFold]:
    """Draw the folds that validate; without further cells a share of the other patients is masked."""
    masked = 0.0 if config.unlabelled else config.masked
    group_of = groups_by_patient(prepared.patient_groups)
    folds = draw_semi_supervised_folds(prepared.cells, prepared.split, group_of, config.folds, masked, config.seed)
    return folds if config.every_fold else folds[:1]


def _start(config: NoisyStudentConfig, requested: dict[str, Any], source: Source) -> Study:
    study = Study(config.out or new_run_path(f"{config.base}-{KIND}"))
    study.write_config(KIND, asked=requested, data={"name": source.name, "folder": source.folder})
    return study


def _train_folds(
    study: Study,
    config: NoisyStudentConfig,
    cells: Sequence[Cell],
    unlabelled: Sequence[Cell],
    folds: Sequence[SemiSupervisedFold],
) -> list[list[Round]]:
    """Train teacher and students of each fold; finished runs are kept."""
    try:
        return [
            train_rounds(study, config, prepare_fold(study, number, fold, cells, unlabelled))
            for number, fold in enumerate(folds)
        ]
    except KeyboardInterrupt:
        log.warning(
            "finished rounds are kept; continue with: python -m leukemia_tf.noisy_student --out %s --resume", study
        )
        raise
