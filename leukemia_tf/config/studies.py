"""Settings of the commands that train several networks: `crossval`, `tune` and `noisy_student`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.config.settings import EngineConfig
from leukemia_tf.config.training import TrainConfig


@dataclass(frozen=True)
class CrossvalConfig(EngineConfig, TrainConfig):
    """Cross-validate: one network per fold, every patient evaluated by a network that never saw them; all train flags.

    Example: python -m leukemia_tf.crossval --base resnet50 --drop-last-block --folds 5
    """

    out: Path | None = None
    """Folder to write, with one run per fold. Default: runs/DATE-BASE-crossval."""
    split: str = "patient"
    """Folds of whole patients, or of single images (image: leaks; to measure by how much)."""
    resume: bool = False
    """Continue the folds in --out; all other settings come from there."""
    folds: int = 5
    """Number of folds; each tests on patients of both classes."""
    repeats: int = 1
    """Repetitions with other folds: seeds --seed, --seed + 1, and so on."""
    validation: float = 0.0
    """Share of a fold's training patients used for validation. 0: inner folds, as in train, or no validation."""
    holdout: float = 0.0
    """Share of the patients held out before the folds are drawn. All folds' networks, their vote and their mean are
    scored on them."""
    json: bool = False
    """Print metrics.json instead of the table."""


@dataclass(frozen=True)
class TuneConfig(EngineConfig, TrainConfig):
    """Search for the settings that generalise best to unseen patients, then train with them; all train flags.

    Example: python -m leukemia_tf.tune --base resnet50 --drop-last-block --stages feature-extraction --trials 20
    """

    out: Path | None = None
    """Folder to write. Default: runs/DATE-BASE-tune."""
    resume: bool = False
    """Continue the search in --out; all other settings come from there."""
    trials: int = 20
    """Number of configurations to try."""
    method: str = "bayesian"
    """bayesian (a Gaussian process), random, or grid."""
    over: tuple[str, ...] = ("dropout", "lr", "weight-decay")
    """Search space: dropout (0.1-0.7), lr (1e-6-1e-2), weight-decay (0.01-0.8), head, unfreeze (0-3 blocks), augment,
    framing."""
    folds: int = 3
    """Folds of the training and validation patients; their mean AUROC by patient is the objective. 0: the validation
    part only. Test patients are never used."""


@dataclass(frozen=True)
class NoisyStudentConfig(TrainConfig):
    """Noisy student: train students on labels that a teacher predicts for unlabelled cells; all train flags.

    Example: python -m leukemia_tf.noisy_student --base resnet50 --drop-last-block --unlabelled cells/
    """

    out: Path | None = None
    """Folder to write, with one run per round. Default: runs/DATE-BASE-noisy_student."""
    resume: bool = False
    """Continue the rounds in --out; all other settings come from there."""
    rounds: int = 3
    """Number of students, one after the other; the last is the result."""
    stop: str = "never"
    """never, or worse: the rounds end when a student scores below its teacher on validation, and the teacher is the
    result."""
    unlabelled: Path | None = None
    """Folder of unlabelled cells. Default: the labels of the --masked patients are hidden instead."""
    masked: float = 0.5
    """Share of the training patients whose labels are hidden."""
    folds: int = 5
    """Folds of all patients but the test patients, one of them for validation. 5 folds with half of the rest masked
    are the report's 2:2:1."""
    every_fold: bool = False
    """Repeat with each fold as validation, with its teacher and students; the folds' networks then vote."""
    targets: str = "soft"
    """Pseudo-labels: soft (the predicted probability), or hard (the more likely label)."""
    confidence: float = 0.7
    """Smallest probability of the more likely label; cells below it are left out."""
    balanced: bool = True
    """Take equally many cells of both labels, the most confident first."""
    alone: bool = False
    """Train students on pseudo-labelled cells only, without the labelled ones."""
    student_base: str | None = None
    """Base network of the students. Default: the teacher's."""
    student_dropout: float = 0.5
    """Dropout rate before a student's logit. Students also train with the eight turns and flips."""
    json: bool = False
    """Print metrics.json instead of the table."""
