"""What is done at every step of a training: its rate is set, its loss noted, a wish to stop heard, the state saved."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

import keras
from tqdm import tqdm

from leukemia_tf.training.optimizers import set_pace

SAVE_EVERY = 300  # seconds: what a power cut may cost at most, in a long epoch


class StopRequest:
    """Turns the first Ctrl-C into a wish, heard between two steps; the second interrupts at once.

    TensorFlow may swallow the exception that Python raises wherever it happens to be.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before = None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
            if self._before is not signal.SIG_IGN:
                signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self._before)


class Watch(keras.callbacks.Callback):
    """Looks after every step of an epoch.

    Parameters
    ----------
    at : callable
        Step of the epoch -> its rate and its momentum (None where that does not move).
    losses : list of float
        Of the steps so far; each step adds its own.
    bar : tqdm.tqdm
        Moves a step a batch.
    stop : StopRequest
        Heard after each step.
    save : callable
        Writes the state.
    """

    def __init__(
        self,
        at: Callable[[int], tuple[float, float | None]],
        losses: list[float],
        bar: tqdm,
        stop: StopRequest,
        save: Callable[[], object],
    ) -> None:
        super().__init__()
        self.at, self.losses, self.bar, self.stop, self.save = at, losses, bar, stop, save
        self.saved, self.before = time.monotonic(), None

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Set the rate, and begin the loss anew, so that it is the batch's own."""
        now = self.at(len(self.losses))
        if now != self.before:
            set_pace(self.model.optimizer, *now)
            self.before = now
        self.model.reset_metrics()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Note the loss; stop if that is asked for or needed; save the state now and then."""
        self.losses.append(float(logs["loss"]))
        self.bar.update()
        if self.stop.asked or not math.isfinite(self.losses[-1]):
            self.model.stop_training = True
        elif time.monotonic() - self.saved > SAVE_EVERY:
            self.save()
            self.saved = time.monotonic()
