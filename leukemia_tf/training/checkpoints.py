"""The state of a training, in files named after their content: enough to resume with the same bits."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

import leukemia_tf
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import SCRATCH, file_hash, write_atomically
from leukemia_tf.training.schedules import Plateau

log = logging.getLogger(__name__)

FORMAT = 4  # of a state; raise it when an older state can no longer be resumed
STATES = 2  # on disk: if the last is damaged, the one before is used


@dataclass
class Progress:
    """How far a training has come.

    Parameters
    ----------
    stage, stage_epoch, epoch : int
        The stage, its finished epochs, all finished epochs.
    waited : int
        Epochs of this stage since its lowest `val_loss`.
    stage_lowest : float
        That loss.
    lowest : float
        The `val_loss` of the kept weights; infinite before the first and after a change of size.
    plateau : Plateau
        How often the rate was reduced in this stage.
    losses, accuracies : list of float
        Of the batches of an epoch that was interrupted.
    history : list of dict
        Rows of history.csv.
    kept_variables : list of numpy.ndarray
        Every variable of the network as it is kept.
    """

    stage: int = 0
    stage_epoch: int = 0
    epoch: int = 0
    waited: int = 0
    stage_lowest: float = math.inf
    lowest: float = math.inf
    plateau: Plateau = field(default_factory=Plateau)
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    kept_variables: list[np.ndarray] = field(default_factory=list)

    def begin_stage(self, other_size: bool) -> None:
        """Reset what belongs to a stage; losses at another image size do not compare, so its first epoch is kept."""
        self.stage_epoch = self.waited = 0
        self.plateau, self.losses, self.accuracies, self.stage_lowest = Plateau(), [], [], math.inf
        if other_size:
            self.lowest = math.inf

    def record_epoch(self, row: dict[str, Any], variables: Sequence[keras.Variable], keep: str) -> None:
        """Count an epoch, and copy the network's variables: with `keep` `best` only at the lowest `val_loss` so far."""
        self.losses, self.accuracies = [], []
        self.epoch += 1
        self.stage_epoch += 1
        loss = row.get("val_loss", math.inf)
        self.waited = 0 if loss < self.stage_lowest or "val_loss" not in row else self.waited + 1
        self.stage_lowest = min(self.stage_lowest, loss)
        kept = keep == "last" or not math.isfinite(self.lowest) or loss < self.lowest
        if kept:
            self.lowest, self.kept_variables = loss, [variable.numpy() for variable in variables]
            self.history = [{**former, "kept": 0} for former in self.history]
        self.history.append({**row, "kept": int(kept)})


def save_state(folder: Path, progress: Progress, variables: Sequence[keras.Variable]) -> Path:
    """Write progress and variables beside the state before.

    Parameters
    ----------
    folder : pathlib.Path
        Holds the last two states; a state's name ends with the checksum of its content.
    progress : Progress
        How far the training has come.
    variables : sequence of keras.Variable
        Everything that a step changes: the network's, its dropouts' seeds', the optimizer's.
    """
    record = {key: value for key, value in asdict(progress).items() if key != "kept_variables"}
    arrays: dict[str, Any] = {"progress": np.array(json.dumps({"format": FORMAT, **record}))}
    arrays |= {f"variable{index}": variable.numpy() for index, variable in enumerate(variables)}
    arrays |= {f"kept{index}": value for index, value in enumerate(progress.kept_variables)}
    scratch = write_atomically(folder / ".state.npz", lambda path: np.savez(path, **arrays))
    name = f"state-{progress.epoch:05}-{len(progress.losses):06}-{_checksum(scratch)}.npz"
    path = scratch.rename(folder / name)
    for old in _states(folder)[:-STATES]:
        old.unlink()
    return path


def load_state(folder: Path) -> tuple[Progress, list[np.ndarray]]:
    """Read the last intact state.

    Returns
    -------
    tuple
        The progress, and the values of the variables as they were saved; a fresh progress and no values where nothing
        was saved.

    Raises
    ------
    RunError
        If there are states, but none is intact or of this version.
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
        record = json.loads(str(arrays["progress"]))
        state_format = record.pop("format", 1)
        if state_format != FORMAT:
            raise RunError(
                f"{path} is a state of another version: its format is {state_format}, this leukemia_tf "
                f"{leukemia_tf.__version__} reads format {FORMAT}. Delete {path.parent} to train this run from the "
                "start, or resume it with the version that began it."
            )
        progress = Progress(**{**record, "plateau": Plateau(**record["plateau"])})
        progress.kept_variables, variables = (
            [arrays[f"{group}{index}"] for index in range(sum(name.startswith(group) for name in arrays))]
            for group in ("kept", "variable")
        )
    return progress, variables


def _states(folder: Path) -> list[Path]:
    return sorted(folder.glob("state-*.npz"))


def _checksum(path: Path) -> str:
    return file_hash(path)[:16]


def network_variables(model: keras.Model) -> list[keras.Variable]:
    """Return every variable of the layers, dropout's seed states among them."""
    return [variable for layer in model.layers for variable in layer.variables]


def assign(variables: Sequence[keras.Variable], values: Sequence[np.ndarray]) -> None:
    """Put values into variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
