"""The training loop: `fit`, an epoch at a time, so that it can stop and go on at any step."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
from tqdm import tqdm

from leukemia_tf.data.balance import epoch_order
from leukemia_tf.errors import RunError
from leukemia_tf.files import write_atomically, write_csv
from leukemia_tf.models.freezing import frozen_as_served, rate_shares, set_trainable
from leukemia_tf.models.network import preprocessing_of
from leukemia_tf.training.checkpoint import Progress, assign, load_state, network_variables, save_state
from leukemia_tf.training.feed import Feed, make_feed
from leukemia_tf.training.optimizers import averages, build_loss, build_optimizer, inner
from leukemia_tf.training.schedules import is_annealed, pace
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.task import HISTORY, Task
from leukemia_tf.training.watch import StopRequest, Watch


@dataclass
class _Run:
    """A stage under way."""

    task: Task
    stage: Stage
    model: keras.Model
    feed: Feed
    progress: Progress
    stop: StopRequest

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        return self.feed.trainer.optimizer

    def save(self) -> None:
        save_state(self.task.state_folder, self.progress, [*network_variables(self.model), *self.optimizer.variables])


def train_stages(task: Task, stages: Sequence[Stage]) -> list[dict]:
    """Train a network stage by stage, and leave it with the best weights.

    Each stage starts from the best weights so far; one with `if_better` is left out if the stage before it did not
    better them. Best is the highest `val_auroc_by_patient`, then the lowest `val_loss`, at the last image size; where
    the rate falls to nothing, of a stage's last epoch. A stage betters the ones before by more than the score's
    standard error, or not at all: few patients are for validation, and what learns more weights has to earn its place.

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
        If the loss is not a number, or no saved state is sound.
    KeyboardInterrupt
        After a Ctrl-C, once the step is done and the state is saved.
    """
    own_size = preprocessing_of(task.network.model)["image_size"]
    progress, saved = load_state(task.state_folder)
    with StopRequest() as stop:
        while progress.stage < len(stages):
            stage = stages[progress.stage]
            begun = bool(progress.stage_epoch or progress.losses)
            if begun or not stage.if_better or progress.improved:
                size = stage.image_size or own_size
                if not begun:
                    before = stages[progress.stage - 1].image_size or own_size if progress.stage else size
                    progress.begin_stage(anew=size != before)
                model = task.network.model if size == own_size else task.resized(size)
                _train_stage(task, stage, model, size, progress, saved if begun else [], stop)
            progress.stage, progress.stage_epoch = progress.stage + 1, 0
    assign(network_variables(task.network.model), progress.best_variables)
    return progress.history


def _train_stage(
    task: Task,
    stage: Stage,
    model: keras.Model,
    size: int,
    progress: Progress,
    saved: list[np.ndarray],
    stop: StopRequest,
) -> None:
    blocks, pretrained = task.network.blocks, task.network.pretrained
    source = progress.best_variables or [variable.numpy() for variable in network_variables(task.network.model)]
    assign(network_variables(model), source)
    set_trainable(model, blocks, stage.learning, pretrained)
    with frozen_as_served(model, blocks, stage.learning):
        parts = (task.examples(part, size) for part in ("train", "val"))
        feed = make_feed(model, *parts, task.sampling, task.batch_size, task.seed, task.keep_features)
        shares = rate_shares(model, blocks, stage.layer_decay)
        feed.trainer.compile(build_optimizer(task.step, stage.learning_rate, shares), build_loss(task.step))
        feed.trainer.optimizer.build(feed.trainer.trainable_variables)
        run = _Run(task, stage, model, feed, progress, stop)
        if saved:
            assign([*network_variables(model), *run.optimizer.variables], saved)
        _train_epochs(run)


def _train_epochs(run: _Run) -> None:
    task, stage, progress = run.task, run.stage, run.progress
    train = task.examples("train", run.model.input_shape[1])
    seen = len(epoch_order(train.labels, task.sampling, task.seed, progress.epoch))
    steps = math.ceil(seen / task.batch_size)
    last = stage.ends or stage.epochs
    begun = progress.stage_epoch * steps + len(progress.losses)
    with tqdm(total=stage.epochs * steps, initial=begun, desc=stage.name, unit="step") as bar:
        while progress.stage_epoch < last and progress.waited < stage.patience:
            began = time.perf_counter()
            losses = _fit(run, steps, bar)
            with _averaged(run):
                row = {
                    "stage": stage.name,
                    "epoch": progress.epoch + 1,
                    "learning_rate": float(inner(run.optimizer).learning_rate.numpy()),
                    "image_size": run.model.input_shape[1],
                    "loss": float(np.average(losses, weights=_sizes(seen, task.batch_size))),
                    **_validate(run),
                    "seconds": round(time.perf_counter() - began, 2),
                }
                progress.plateau.note(row.get("val_loss", row["loss"]), stage.schedule)
                ripe = not is_annealed(stage.schedule) or progress.stage_epoch + 1 == last
                progress.note(row, _score(row), network_variables(run.model), ripe)
            write_csv(task.history_path, HISTORY, progress.history)  # before the state: if killed, done again
            task.note(row, losses)
            run.save()
            shown = [name for name in ("loss", "val_loss", "val_auroc_by_patient") if name in row]
            bar.set_postfix({name: f"{row[name]:.3f}" for name in shown})
            if run.stop.asked:
                raise KeyboardInterrupt
        bar.total = bar.n
        bar.refresh()


def _fit(run: _Run, steps: int, bar: tqdm) -> list[float]:
    """Train an epoch, or the rest of one; return the losses of its batches."""
    progress = run.progress

    def at(step: int) -> tuple[float, float | None]:
        now = pace(run.stage.schedule, progress.stage_epoch + step / steps, run.stage.epochs, progress.plateau.count)
        return run.stage.learning_rate * now.rate, now.momentum

    if len(progress.losses) < steps:
        watch = Watch(at, progress.losses, bar, run.stop, run.save)
        batches = run.feed.training(progress.epoch, len(progress.losses))
        run.feed.trainer.fit(batches, shuffle=False, verbose=0, callbacks=[watch])
    if not math.isfinite(progress.losses[-1]) or not _finite(run.feed.trainer):
        where = f"stage {run.stage.name}, epoch {progress.epoch + 1}, step {len(progress.losses)}"
        told = f"a weight or the loss ({progress.losses[-1]:g}) is no finite number any more in {where}."
        raise RunError(f"{told} {_keep_best(run)}Train again with a lower --lr, or with --clip 1.")
    if run.stop.asked and len(progress.losses) < steps:
        run.save()
        raise KeyboardInterrupt
    return list(progress.losses)


def _finite(model: keras.Model) -> bool:
    """Return whether every weight that learns is a finite number."""
    return all(np.isfinite(weight.numpy()).all() for weight in model.trainable_variables)


def _keep_best(run: _Run) -> str:
    """Write the network's weights as they were at their best, and say where; nothing if they never were."""
    if not run.progress.best_variables:
        return ""
    assign(network_variables(run.model), run.progress.best_variables)
    path = write_atomically(run.task.state_folder / "last-good.weights.h5", run.model.save_weights)
    return f"The best weights until then are in {path} (--weights takes them). "


def _sizes(seen: int, batch_size: int) -> list[int]:
    """Return how many cells each batch of an epoch holds."""
    return [min(batch_size, seen - start) for start in range(0, seen, batch_size)]


def _validate(run: _Run) -> dict[str, float]:
    """Return the scores of the validation cells; nothing where there are none."""
    val = run.task.examples("val", run.model.input_shape[1])
    if not len(val.labels):
        return {}
    logits = run.feed.trainer.predict(run.feed.validation(), verbose=0)[:, 0].astype(np.float64)
    return {
        "val_loss": float(np.mean(np.logaddexp(0, logits) - val.labels * logits)),
        **run.task.score(val.labels, 1 / (1 + np.exp(-logits)), val.patients),
    }


def _score(row: dict) -> list[float]:
    """Return what is best when it is highest; without validation cells, the last epoch is."""
    if "val_loss" not in row:
        return [row["epoch"]]
    return [round(row["val_auroc_by_patient"], 9), -row["val_loss"]]  # its last digits are the order of a sum


@contextmanager
def _averaged(run: _Run) -> Iterator[None]:
    """Put the weights' moving averages in their place, where there are any, and the weights back afterwards."""
    means, weights = averages(run.optimizer), run.feed.trainer.trainable_variables
    if not means:
        yield
        return
    own = [weight.numpy() for weight in weights]
    assign(weights, [mean.numpy() for mean in means])
    yield
    assign(weights, own)
