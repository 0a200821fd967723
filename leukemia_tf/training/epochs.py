"""The epochs of a stage: `fit` for one at a time, validation, history, state; it can stop and resume at any step."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import write_atomically, write_csv
from leukemia_tf.data.balance import epoch_order
from leukemia_tf.training.callbacks import StageCallbacks, StepCallback, StopRequest
from leukemia_tf.training.checkpoints import Progress, assign, network_variables, save_state
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.history import kept_epoch
from leukemia_tf.training.inputs import TrainingInputs
from leukemia_tf.training.job import TrainingJob
from leukemia_tf.training.many_steps import ManySteps
from leukemia_tf.training.optimizers import moving_averages, unwrapped
from leukemia_tf.training.schedules import schedule_value
from leukemia_tf.training.stages import Stage

log = logging.getLogger("leukemia_tf")


@dataclass
class StageRun:
    """A stage in progress.

    Parameters
    ----------
    job : TrainingJob
        What is trained.
    stage : Stage
        Which stage.
    model : keras.Model
        The network at the stage's image size.
    inputs : TrainingInputs
        The trainer, compiled, with its batches.
    progress : Progress
        How far the training has come; changed.
    stop : StopRequest
        Checked after each step.
    many_steps : ManySteps, optional
        Takes the steps, many in a call; by default `fit` takes them one by one.
    """

    job: TrainingJob
    stage: Stage
    model: keras.Model
    inputs: TrainingInputs
    progress: Progress
    stop: StopRequest
    many_steps: ManySteps | None = None

    @property
    def optimizer(self) -> keras.optimizers.Optimizer:
        """The stage's."""
        return self.inputs.trainer.optimizer

    @property
    def size(self) -> int:
        """Side of the cells, in pixels."""
        return self.model.input_shape[1]

    @property
    def last_epoch(self) -> int:
        """Epochs after which the stage ends."""
        return self.stage.ends or self.stage.epochs

    @property
    def out_of_patience(self) -> bool:
        """Whether the stage has gone without a lower `val_loss` for too long."""
        return self.stage.patience is not None and self.progress.waited >= self.stage.patience

    def variables(self) -> list[keras.Variable]:
        """Return everything that a step changes."""
        return [*network_variables(self.model), *self.optimizer.variables]

    def save(self) -> None:
        """Write the state that the training resumes from."""
        if self.job.state_folder:
            save_state(self.job.state_folder, self.progress, self.variables())


def train_epochs(run: StageRun) -> None:
    """Train until the stage's last epoch, or for as many epochs without a lower `val_loss` as its patience.

    Raises
    ------
    RunError
        If the loss or a weight is no longer a finite number.
    KeyboardInterrupt
        After a Ctrl-C, once the step is done and the state is saved.
    """
    job, stage, progress = run.job, run.stage, run.progress
    labels = job.examples("train", run.size).labels
    cells = len(epoch_order(labels, job.sampling, job.seed, progress.epoch))
    steps = math.ceil(cells / job.batch_size)
    done = progress.stage_epoch * steps + len(progress.losses)
    with (
        progress_bar(total=stage.epochs * steps, initial=done, title=stage.name, unit="step", leave=True) as bar,
        StageCallbacks(job.objects.callbacks, run.model, run.optimizer, stage.epochs, steps) as callbacks,
    ):
        while progress.stage_epoch < run.last_epoch and not run.out_of_patience:
            callbacks.listed.on_epoch_begin(progress.stage_epoch)
            row, losses = _train_epoch(run, cells, steps, bar, callbacks)
            callbacks.listed.on_epoch_end(progress.stage_epoch - 1, _logs(row))
            if job.history_path:
                write_csv(job.history_path, job.columns, progress.history)  # before the state: if killed, done again
                _log_epoch(row, bar)
            job.on_epoch(row, losses)
            run.save()
            if run.stop.requested:
                raise KeyboardInterrupt
            if callbacks.stopped:
                break
        bar.total = bar.n
    if progress.stage_epoch < run.last_epoch:
        reason = "a callback ended it" if callbacks.stopped else f"{stage.patience} without a lower val_loss"
        log.info("%s: ends after %d of %d epochs: %s", stage.name, progress.stage_epoch, run.last_epoch, reason)


def _train_epoch(
    run: StageRun, cells: int, steps: int, bar: tqdm, callbacks: StageCallbacks
) -> tuple[dict[str, Any], list[float]]:
    """Train and validate an epoch; return its row of history.csv and the losses of its batches."""
    stage, progress = run.stage, run.progress
    began = time.perf_counter()
    losses, accuracies = _fit(run, steps, bar, callbacks)
    sizes = _batch_sizes(cells, run.job.batch_size)
    with _averaged_weights(run):
        row: dict[str, Any] = {
            "stage": stage.name,
            "epoch": progress.epoch + 1,
            "learning_rate": float(keras.ops.convert_to_numpy(unwrapped(run.optimizer).learning_rate)),
            "image_size": run.size,
            "loss": float(np.average(losses, weights=sizes)),
            **_validate(run),
            "seconds": round(time.perf_counter() - began, 2),
            "accuracy": sum(round(share * size) for share, size in zip(accuracies, sizes)) / cells,
        }
        progress.plateau.update(row.get("val_loss", row["loss"]), stage.schedule)
        progress.record_epoch(row, network_variables(run.model), run.job.keep)
    return row, losses


def _fit(run: StageRun, steps: int, bar: tqdm, callbacks: StageCallbacks) -> tuple[list[float], list[float]]:
    """Train an epoch, or the rest of one; return losses and accuracies of its batches."""
    stage, progress = run.stage, run.progress

    def schedule(step: int) -> tuple[float, float | None]:
        done = progress.stage_epoch + step / steps
        value = schedule_value(stage.schedule, done, stage.epochs, progress.plateau.reductions)
        return stage.learning_rate * value.rate, value.momentum

    if len(progress.losses) < steps:
        scheduled = None if run.job.objects.set_the_rate(stage.schedule) else schedule
        batches = run.inputs.training(progress.epoch, len(progress.losses))
        recorded = (progress.losses, progress.accuracies, bar, run.stop, run.save)
        if run.many_steps:
            run.many_steps.train(batches, steps, schedule, *recorded)
        else:
            callback = StepCallback(scheduled, *recorded)
            run.inputs.trainer.fit(batches, shuffle=False, verbose=0, callbacks=[callback, callbacks])
    if not math.isfinite(progress.losses[-1]) or not _is_finite(run.inputs.trainer):
        where = f"stage {stage.name}, epoch {progress.epoch + 1}, step {len(progress.losses)}"
        problem = f"a weight or the loss ({progress.losses[-1]:g}) is no longer a finite number in {where}."
        raise RunError(f"{problem} {_write_last_good(run)}Train again with a lower `lr`, or with `clip=1`.")
    if run.stop.requested and len(progress.losses) < steps:
        run.save()
        raise KeyboardInterrupt
    return list(progress.losses), list(progress.accuracies)


def _log_epoch(row: dict[str, Any], bar: tqdm) -> None:
    """Log an epoch in one line, above the bar where one is drawn."""
    names = [name for name in ("loss", "val_loss", "val_auroc_by_patient") if name in row]
    scores = ", ".join(f"{name} {row[name]:.3f}" for name in names)
    with bar.external_write_mode():
        log.info("%s, epoch %d: %s, %.1f s", row["stage"], row["epoch"], scores, row["seconds"])


def _is_finite(model: keras.Model) -> bool:
    """Return whether every trainable weight is a finite number."""
    return all(np.isfinite(weight.numpy()).all() for weight in model.trainable_variables)


def _write_last_good(run: StageRun) -> str:
    """Write the weights kept so far, and return a sentence that names the file; nothing if there are none."""
    if not run.progress.kept_variables or not run.job.state_folder:
        return ""
    assign(network_variables(run.model), run.progress.kept_variables)
    path = write_atomically(run.job.state_folder / "last-good.weights.h5", run.model.save_weights)
    return f"The weights of epoch {kept_epoch(run.progress.history)} are in {path} (`weights` takes them). "


def _batch_sizes(cells: int, batch_size: int) -> list[int]:
    """Return how many cells each batch of an epoch holds."""
    return [min(batch_size, cells - start) for start in range(0, cells, batch_size)]


def _validate(run: StageRun) -> dict[str, float]:
    """Return the scores of the validation cells; where there are none, those out of fold of that epoch, if any."""
    val, out_of_fold = run.job.examples("val", run.size), run.job.out_of_fold
    if not len(val.labels):
        return dict(out_of_fold[run.progress.epoch]) if run.progress.epoch < len(out_of_fold) else {}
    logits = run.inputs.trainer.predict(run.inputs.validation(), verbose=0)[:, 0].astype(np.float64)
    return validation_columns(run.job, val, logits)


def validation_columns(job: TrainingJob, val: Examples, logits: np.ndarray) -> dict[str, float]:
    """Return the validation's columns of history.csv: the loss and the scores of these cells' logits, float [n]."""
    probabilities = 1 / (1 + np.exp(-logits))
    return {
        "val_loss": float(np.mean(np.logaddexp(0, logits) - val.labels * logits)),
        **job.score(val.labels, probabilities, val.patients),
        **job.objects.measure(val.labels, probabilities),
    }


def _logs(row: dict[str, Any]) -> dict[str, float]:
    """Return an epoch's row as callbacks take it."""
    return {name: value for name, value in row.items() if isinstance(value, (int, float)) and name != "epoch"}


@contextmanager
def _averaged_weights(run: StageRun) -> Iterator[None]:
    """Put the weights' moving averages in their place, where there are any, and the weights back afterwards."""
    averages, weights = moving_averages(run.optimizer), run.inputs.trainer.trainable_variables
    if not averages:
        yield
        return
    values = [weight.numpy() for weight in weights]
    assign(weights, [average.numpy() for average in averages])
    yield
    assign(weights, values)
