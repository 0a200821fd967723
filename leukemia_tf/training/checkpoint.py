"""The state of an interrupted training, in one file: enough to go on as if nothing had happened."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.errors import RunError
from leukemia_tf.files import write_atomically


@dataclass
class Progress:
    """Where a training stands, between two epochs.

    Parameters
    ----------
    stage, stage_epoch, epoch : int
        The stage, its epochs done, all epochs done.
    waited : int
        Epochs of this stage since its validation score was last bettered.
    best : list of float
        The best validation score over all stages, and its tie-breaker; empty before the first.
    improved : bool
        Whether this stage has bettered it.
    history : list of dict
        Rows of history.csv.
    best_variables : list of numpy.ndarray
        Every variable of the network at its best.
    """

    stage: int = 0
    stage_epoch: int = 0
    epoch: int = 0
    waited: int = 0
    best: list[float] = field(default_factory=list)
    improved: bool = False
    history: list[dict] = field(default_factory=list)
    best_variables: list[np.ndarray] = field(default_factory=list)

    def note(self, row: dict, score: list[float], model: keras.Model) -> None:
        """Count an epoch, and keep the network's variables if its score (the higher the better) is the best."""
        self.history.append(row)
        self.epoch += 1
        self.stage_epoch += 1
        self.waited += 1
        if score > self.best:
            self.best, self.improved, self.waited = score, True, 0
            self.best_variables = [variable.numpy() for variable in network_variables(model)]


def save_state(path: Path, progress: Progress, trainer: keras.Model) -> None:
    """Write progress, every variable of the network (dropout's seeds among them) and of the optimizer; atomically."""
    told = {key: value for key, value in asdict(progress).items() if key != "best_variables"}
    arrays = {"progress": np.array(json.dumps(told))}
    for group, values in _groups(trainer).items():
        arrays |= {f"{group}{index}": variable.numpy() for index, variable in enumerate(values)}
    arrays |= {f"best{index}": value for index, value in enumerate(progress.best_variables)}
    write_atomically(path, lambda scratch: np.savez(scratch, **arrays))


def load_progress(path: Path) -> Progress:
    """Read where a training stands; the start where nothing was saved.

    Raises
    ------
    RunError
        If the file is damaged.
    """
    if not path.is_file():
        return Progress()
    try:
        with np.load(path, allow_pickle=False) as arrays:
            progress = Progress(**json.loads(str(arrays["progress"])))
            count = sum(name.startswith("best") for name in arrays)
            progress.best_variables = [arrays[f"best{index}"] for index in range(count)]
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise RunError(f"{path} is damaged ({error}): delete it to train this run from the start.") from None
    return progress


def restore(path: Path, trainer: keras.Model) -> None:
    """Put the saved variables back into a network that is compiled for the stage it was saved in."""
    if not path.is_file():
        return
    with np.load(path, allow_pickle=False) as arrays:
        for group, variables in _groups(trainer).items():
            for index, variable in enumerate(variables):
                variable.assign(arrays[f"{group}{index}"])


def _groups(trainer: keras.Model) -> dict[str, list[keras.Variable]]:
    trainer.optimizer.build(trainer.trainable_variables)
    return {"network": network_variables(trainer), "optimizer": trainer.optimizer.variables}


def network_variables(model: keras.Model) -> list[keras.Variable]:
    """Return every variable of the layers, dropout's seed states among them."""
    return [variable for layer in model.layers for variable in layer.variables]
