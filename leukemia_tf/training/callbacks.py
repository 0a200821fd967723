"""The Keras callback behind every training step, and a Ctrl-C that waits for the step to end."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any

import keras
from tqdm import tqdm

from leukemia_tf.training.optimizers import set_rate

SAVE_EVERY = 300  # seconds: the most that a power cut costs in a long epoch


class StopRequest:
    """Turns the first Ctrl-C into a request, honoured between two steps; the second one interrupts at once.

    Without it TensorFlow may swallow the exception, which Python raises wherever it happens to be.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous_handler: Any = None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous_handler = signal.getsignal(signal.SIGINT)
            if self._previous_handler is not signal.SIG_IGN:
                signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous_handler is not None:
            signal.signal(signal.SIGINT, self._previous_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        signal.signal(signal.SIGINT, self._previous_handler)


class StepCallback(keras.callbacks.Callback):
    """Sets rate and momentum before each step; records loss and accuracy after it, and saves the state now and then.

    It resets the model's metrics before each step, so that the logs are of that batch alone. It stops
    the training at a stop request, and at a loss that is not finite.

    Parameters
    ----------
    schedule : callable or None
        Step of the epoch -> its learning rate and its momentum (None where the schedule leaves it as it is); None
        leaves both to the optimizer.
    losses, accuracies : list of float
        Of the epoch's steps so far, those of an interrupted epoch among them; each step appends one.
    bar : tqdm.tqdm
        Advanced by each step.
    stop : StopRequest
        Checked after each step.
    save : callable
        Writes the training's state; called every five minutes.
    """

    def __init__(
        self,
        schedule: Callable[[int], tuple[float, float | None]] | None,
        losses: list[float],
        accuracies: list[float],
        bar: tqdm,
        stop: StopRequest,
        save: Callable[[], None],
    ) -> None:
        super().__init__()
        self.schedule, self.losses, self.accuracies = schedule, losses, accuracies
        self.bar, self.stop, self.save = bar, stop, save
        self.saved_at = time.monotonic()
        self.current: tuple[float, float | None] | None = None

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Set rate and momentum where they change, and reset the metrics."""
        scheduled = self.schedule(len(self.losses)) if self.schedule else None
        if scheduled and scheduled != self.current:
            set_rate(self.model.optimizer, *scheduled)
            self.current = scheduled
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Record loss and accuracy; stop if that is requested or needed; save the state if that is due."""
        logs = logs or {}
        self.losses.append(float(logs["loss"]))
        self.accuracies.append(float(logs["accuracy"]))
        self.bar.update()
        if self.stop.requested or not math.isfinite(self.losses[-1]):
            self.model.stop_training = True
        elif time.monotonic() - self.saved_at > SAVE_EVERY:
            self.save()
            self.saved_at = time.monotonic()


class StageCallbacks(keras.callbacks.Callback):
    """Shows a stage to a caller's callbacks as one `fit` of the whole network, however often it stops and resumes.

    Parameters
    ----------
    callbacks : sequence of keras.callbacks.Callback
        The caller's.
    network : keras.Model
        Their `model`; while the stage runs it has the stage's optimizer.
    optimizer : keras.optimizers.Optimizer
        That one.
    epochs, steps : int
        The most epochs of the stage; steps per epoch.
    """

    def __init__(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        epochs: int,
        steps: int,
    ) -> None:
        super().__init__()
        self.network = network
        network.optimizer, network.stop_training = optimizer, False
        self.listed = keras.callbacks.CallbackList(list(callbacks), add_history=False, model=network)
        self.listed.set_params({"epochs": epochs, "steps": steps, "verbose": 0})

    @property
    def stopped(self) -> bool:
        """Whether one of them has stopped the training."""
        return bool(self.network.stop_training)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Pass it on."""
        self.listed.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Pass it on."""
        self.listed.on_train_batch_end(batch, logs)

    def __enter__(self) -> StageCallbacks:
        self.listed.on_train_begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.listed.on_train_end()
        self.network.optimizer = None
