"""The state of a training, in files named after what is in them: enough to go on as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.errors import RunError
from leukemia_tf.files import SCRATCH, write_atomically
from leukemia_tf.training.schedules import Plateau

log = logging.getLogger(__name__)

KEPT = 2  # states: if the last is damaged, the one before goes on


@dataclass
class Progress:
    """Where a training stands.

    Parameters
    ----------
    stage, stage_epoch, epoch : int
        The stage, its epochs done, all epochs done.
    waited : int
        Epochs of this stage since it had its best validation score.
    highest : list of float
        That score of this stage, and its tie-breaker.
    best : list of float
        The score of the weights that are kept; empty before the first and after a change of size.
    doubt : float
        The standard error of that score: another stage must better it by more, to be worth learning more weights.
    improved : bool
        Whether this stage has done so.
    plateau : Plateau
        How often validation has stood still in this stage.
    losses : list of float
        Of the batches of an epoch that was interrupted.
    history : list of dict
        Rows of history.csv.
    best_variables : list of numpy.ndarray
        Every variable of the network at its best.
    """

    stage: int = 0
    stage_epoch: int = 0
    epoch: int = 0
    waited: int = 0
    highest: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)
    doubt: float = 0.0
    improved: bool = False
    plateau: Plateau = field(default_factory=Plateau)
    losses: list[float] = field(default_factory=list)
    history: list[dict] = field(default_factory=list)
    best_variables: list[np.ndarray] = field(default_factory=list)

    def begin_stage(self, anew: bool) -> None:
        """Forget what belongs to a stage; `anew`: scores so far no longer compare."""
        self.stage_epoch = self.waited = 0
        self.improved, self.plateau, self.losses, self.highest = False, Plateau(), [], []
        if anew:
            self.best = []

    def note(self, row: dict, score: list[float], variables: Sequence[keras.Variable], ripe: bool = True) -> None:
        """Count an epoch, and keep the network's variables if its score (the higher the better) is the best.

        `ripe`: whether the epoch may be kept; until the end of a falling rate, none is.
        """
        self.losses = []
        self.epoch += 1
        self.stage_epoch += 1
        margin = 0.0 if self.improved else self.doubt
        better = ripe and (not self.best or score > [self.best[0] + margin, *self.best[1:]])
        self.history.append({**row, "best": int(better)})
        if ripe:
            self.waited = 0 if score > self.highest else self.waited + 1
            self.highest = max(self.highest, score)
        if better:
            self.best, self.doubt, self.improved = score, row.get("val_standard_error", 0.0), True
            self.best_variables = [variable.numpy() for variable in variables]


def save_state(folder: Path, progress: Progress, variables: Sequence[keras.Variable]) -> Path:
    """Write progress and variables (the network's, its dropouts' seeds', the optimizer's) beside the state before.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the last two states; a state's name ends with the checksum of its content.
    progress : Progress
        Where the training stands.
    variables : sequence of keras.Variable
        Everything that a step changes.
    """
    told = {key: value for key, value in asdict(progress).items() if key != "best_variables"}
    arrays = {"progress": np.array(json.dumps(told))}
    arrays |= {f"variable{index}": variable.numpy() for index, variable in enumerate(variables)}
    arrays |= {f"best{index}": value for index, value in enumerate(progress.best_variables)}
    scratch = write_atomically(folder / ".state.npz", lambda path: np.savez(path, **arrays))
    name = f"state-{progress.epoch:05}-{len(progress.losses):06}-{_checksum(scratch)}.npz"
    path = scratch.rename(folder / name)
    for old in _states(folder)[:-KEPT]:
        old.unlink()
    return path


def load_state(folder: Path) -> tuple[Progress, list[np.ndarray]]:
    """Read the last sound state.

    Returns
    -------
    tuple
        Where the training stands, and the values of the variables as they were saved; the start and none where
        nothing was saved.

    Raises
    ------
    RunError
        If there are states, but none is sound.
    """
    for scratch in folder.glob(f"{SCRATCH}*"):  # of a save that was killed
        scratch.unlink()
    states = _states(folder)
    for path in reversed(states):
        if path.stem.rpartition("-")[2] == _checksum(path):
            return _read(path)
        log.warning("%s is damaged: its content is not what was written; the state before it is used", path)
        path.unlink()
    if states:
        raise RunError(f"no state in {folder} can be read: delete that folder to train this run from the start.")
    return Progress(), []


def _read(path: Path) -> tuple[Progress, list[np.ndarray]]:
    with np.load(path, allow_pickle=False) as arrays:
        told = json.loads(str(arrays["progress"]))
        progress = Progress(**{**told, "plateau": Plateau(**told["plateau"])})
        groups = [
            [arrays[f"{group}{index}"] for index in range(sum(name.startswith(group) for name in arrays))]
            for group in ("best", "variable")
        ]
    progress.best_variables = groups[0]
    return progress, groups[1]


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.npz"))


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:16]


def network_variables(model: keras.Model) -> list[keras.Variable]:
    """Return every variable of the layers, dropout's seed states among them."""
    return [variable for layer in model.layers for variable in layer.variables]


def assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Put values into variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
