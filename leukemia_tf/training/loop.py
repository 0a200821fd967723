"""The training loop: `fit`, an epoch at a time, so that it can stop and go on between any two."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm

from leukemia_tf.data.balance import Sampling, cell_weights, epoch_order
from leukemia_tf.data.pipeline import prediction_batches, training_batches
from leukemia_tf.errors import RunError
from leukemia_tf.files import write_csv
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.network import logit_model, predict_logits
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.checkpoint import Progress, load_progress, network_variables, restore, save_state
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.stages import Stage

HISTORY = (
    *("stage", "epoch", "learning_rate", "image_size", "loss", "val_loss", "val_auroc", "seconds"),
    "val_auroc_by_patient",
)


@dataclass(frozen=True)
class Task:
    """What is trained, on what, and where its state goes.

    Parameters
    ----------
    network : Network
        Trained in place.
    train, val : Examples
        Cells of disjoint patients.
    sampling : Sampling
        How training cells are drawn, weighed and varied.
    score : callable
        (labels, probabilities, patients) -> `val_auroc` and `val_auroc_by_patient`.
    batch_size, seed : int
        Cells a step; what every random draw depends on.
    history_path, state_path : pathlib.Path
        history.csv, and the state that an interrupted training goes on from.
    """

    network: Network
    train: Examples
    val: Examples
    sampling: Sampling
    score: Callable[[np.ndarray, np.ndarray, np.ndarray], dict[str, float]]
    batch_size: int
    seed: int
    history_path: Path
    state_path: Path


def train_stages(task: Task, stages: Sequence[Stage]) -> list[dict]:
    """Train a network stage by stage, and leave it with the best weights of all stages.

    Each stage starts from the best weights so far; unfreezing ends with the first stage that did not better them.
    Best is the highest `val_auroc_by_patient`, then the lowest `val_loss`.

    Parameters
    ----------
    task : Task
        What is trained.
    stages : sequence of Stage
        In order.

    Returns
    -------
    list of dict
        The rows of history.csv.

    Raises
    ------
    RunError
        If the loss is not a number, or the saved state is damaged.
    """
    model, progress = task.network.model, load_progress(task.state_path)
    while progress.stage < len(stages):
        stage = stages[progress.stage]
        set_trainable(model, task.network.blocks, stage.learning, task.network.pretrained)
        trainer = logit_model(model)
        trainer.compile(keras.optimizers.Adam(stage.learning_rate), keras.losses.BinaryCrossentropy(from_logits=True))
        if progress.stage_epoch:
            restore(task.state_path, trainer)
        elif progress.best_variables:
            _assign(model, progress.best_variables)
        _train_stage(task, stage, trainer, progress)
        useless = progress.stage > 0 and not progress.improved
        progress.stage = len(stages) if useless else progress.stage + 1
        progress.stage_epoch = progress.waited = 0
        progress.improved = False
    _assign(model, progress.best_variables)
    return progress.history


def _train_stage(task: Task, stage: Stage, trainer: keras.Model, progress: Progress) -> None:
    seen = len(epoch_order(task.train.labels, task.sampling, task.seed, progress.epoch))
    steps = math.ceil(seen / task.batch_size)
    with tqdm(total=stage.epochs * steps, initial=progress.stage_epoch * steps, desc=stage.name, unit="step") as bar:
        while progress.stage_epoch < stage.epochs and progress.waited < stage.patience:
            row = _train_epoch(task, stage, trainer, progress.epoch, bar)
            progress.note(row, [row["val_auroc_by_patient"], -row["val_loss"]], trainer)
            save_state(task.state_path, progress, trainer)
            write_csv(task.history_path, HISTORY, progress.history)
            bar.set_postfix({name: f"{row[name]:.3f}" for name in ("loss", "val_loss", "val_auroc")})
        bar.total = bar.n
        bar.refresh()


def _train_epoch(task: Task, stage: Stage, trainer: keras.Model, epoch: int, bar: tqdm) -> dict[str, object]:
    """Train one epoch and validate; return its row of history.csv."""
    began = time.perf_counter()
    train = task.train
    weights = cell_weights(train.labels, train.patients, task.sampling)
    drawn = (task.sampling, task.batch_size, task.seed, epoch)
    batches = training_batches(train.cells, train.labels, weights, *drawn)
    loss = trainer.fit(batches, shuffle=False, verbose=0, callbacks=[_Bar(bar)]).history["loss"][0]
    if not math.isfinite(loss):
        raise RunError(f"the loss is {loss} in stage {stage.name}, epoch {epoch + 1}: training cannot go on.")
    logits = predict_logits(trainer, prediction_batches(task.val.cells, task.batch_size)).astype(np.float64)
    scores = task.score(task.val.labels, 1 / (1 + np.exp(-logits)), task.val.patients)
    return {
        "stage": stage.name,
        "epoch": epoch + 1,
        "learning_rate": stage.learning_rate,
        "image_size": train.cells.settings.image_size,
        "loss": loss,
        "val_loss": float(np.mean(np.logaddexp(0, logits) - task.val.labels * logits)),
        **scores,
        "seconds": round(time.perf_counter() - began, 2),
    }


def _assign(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(network_variables(logit_model(model)), values, strict=True):
        variable.assign(value)


class _Bar(keras.callbacks.Callback):
    """Moves a progress bar a step a batch."""

    def __init__(self, bar: tqdm) -> None:
        super().__init__()
        self.bar = bar

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update()
