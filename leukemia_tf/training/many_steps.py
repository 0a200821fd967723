"""Many steps in one call, where a step takes microseconds: the head on cached features, on a GPU.

Each step has a rate and a loss of itself, as in `fit`; what is between two calls is between two steps there. So
history.csv has the same rows, and an interrupted run resumes after a step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

from leukemia_tf.training.callbacks import SAVE_EVERY, StopRequest
from leukemia_tf.training.optimizers import set_rate

MOST = 64  # steps of a call: a stop request waits for them
Schedule = Callable[[int], tuple[float, float | None]]  # step of the epoch -> its rate and its momentum


class ManySteps:
    """The steps of one stage, compiled once.

    Parameters
    ----------
    trainer : keras.Model
        Compiled, with the metric `accuracy`.
    """

    def __init__(self, trainer: keras.Model) -> None:
        self.trainer = trainer
        self._step = tf.function(self._one_step, jit_compile=bool(trainer.jit_compile))
        self._call = tf.function(self._steps, reduce_retracing=True)

    def _one_step(self, data: Any, rate: tf.Tensor, momentum: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        set_rate(self.trainer.optimizer, rate, momentum)
        logs = self.trainer.train_step(data)
        loss, accuracy = (tf.cast(logs[name], tf.float32) for name in ("loss", "accuracy"))
        self.trainer.reset_metrics()  # the logs are of one batch; behind the first step, which builds the metrics
        return loss, accuracy

    def _steps(self, batches: Any, rates: tf.Tensor, momenta: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(rates)[0]
        losses, accuracies = (tf.TensorArray(tf.float32, count) for _ in range(2))
        for step in tf.range(count):
            momentum = None if momenta is None else momenta[step]
            loss, accuracy = self._step(next(batches), rates[step], momentum)
            losses, accuracies = losses.write(step, loss), accuracies.write(step, accuracy)
        return losses.stack(), accuracies.stack()

    def train(
        self,
        batches: tf.data.Dataset,
        steps: int,
        schedule: Schedule,
        losses: list[float],
        accuracies: list[float],
        bar: tqdm,
        stop: StopRequest,
        save: Callable[[], None],
    ) -> None:
        """Take the rest of an epoch's steps, as `leukemia_tf.training.callbacks.StepCallback` does.

        Parameters
        ----------
        batches : tf.data.Dataset
            Of the steps that are left.
        steps : int
            Of the whole epoch.
        schedule : callable
            See `Schedule`.
        losses, accuracies : list of float
            Of the epoch's steps so far; each step appends one. It ends at the first loss that is not finite.
        bar : tqdm.tqdm
            Advanced by each step.
        stop : StopRequest
            Checked between two calls.
        save : callable
            Writes the training's state; called every five minutes.
        """
        iterator, saved_at = iter(batches), time.monotonic()
        while len(losses) < steps and not stop.requested:
            pairs = [schedule(step) for step in range(len(losses), min(len(losses) + MOST, steps))]
            rates, momenta = (list(values) for values in zip(*pairs))
            given = None if momenta[0] is None else tf.constant(momenta, tf.float32)
            computed = [values.numpy().tolist() for values in self._call(iterator, tf.constant(rates), given)]
            finite = [math.isfinite(loss) for loss in computed[0]]
            count = len(finite) if all(finite) else finite.index(False) + 1
            losses += computed[0][:count]
            accuracies += computed[1][:count]
            bar.update(count)
            if not all(finite):
                return
            if time.monotonic() - saved_at > SAVE_EVERY:
                save()
                saved_at = time.monotonic()
