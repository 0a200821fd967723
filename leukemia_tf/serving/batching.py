"""Requests that come together are answered together, by one thread that runs TensorFlow."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from leukemia_tf.serving.rest import IMAGE_BYTES, Asked

TOGETHER, WAIT = 32, 0.004  # images that are asked about at once; seconds that the first of them waits for others
MOST_WAITING = 512  # images


class FullError(Exception):
    """So many images wait that one more would wait too long."""


@dataclass
class _Job:
    asked: Asked
    answer: Future = field(default_factory=Future)


class Batcher:
    """Answers requests, some together.

    Parameters
    ----------
    ask : callable
        A signature and its values -> arrays of [n] by name.
    seen : callable, optional
        Told how many images were asked about at once.
    """

    def __init__(self, ask: Callable[[str, object], dict], seen: Callable[[int], object] = lambda count: None) -> None:
        self._ask, self._seen = ask, seen
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock, self.waiting = threading.Lock(), 0
        threading.Thread(target=self._work, name="batches", daemon=True).start()

    def submit(self, asked: Asked) -> Future:
        """Return what the answer will be in: arrays of [n] by name.

        Raises
        ------
        FullError
            If too many images wait.
        """
        with self._lock:
            if self.waiting + len(asked.values) > MOST_WAITING:
                raise FullError
            self.waiting += len(asked.values)
        job = _Job(asked)
        self._jobs.put(job)
        return job.answer

    def close(self) -> None:
        """Answer what waits, and no more."""
        self._jobs.put(None)

    def _work(self) -> None:
        ended = False
        while not ended:
            jobs, ended = self._gather()
            for signature in dict.fromkeys(job.asked.signature for job in jobs):
                alike = [job for job in jobs if job.asked.signature == signature]
                wanted = [job for job in alike if job.answer.set_running_or_notify_cancel()]
                together = alike[0].asked.name == IMAGE_BYTES  # decoded images may differ in size
                for some in [wanted] if together and wanted else [[job] for job in wanted]:
                    self._answer(some)
            with self._lock:
                self.waiting -= sum(len(job.asked.values) for job in jobs)

    def _gather(self) -> tuple[list[_Job], bool]:
        """Return the next requests, and whether there will be no more."""
        first = self._jobs.get()
        if first is None:
            return [], True
        jobs, until = [first], time.monotonic() + WAIT
        while sum(len(job.asked.values) for job in jobs) < TOGETHER:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _answer(self, jobs: Sequence[_Job]) -> None:
        values = jobs[0].asked.values if len(jobs) == 1 else [value for job in jobs for value in job.asked.values]
        try:
            outputs = self._ask(jobs[0].asked.signature, values)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].answer.set_exception(error)
            else:  # one of them must not spoil the others
                for job in jobs:
                    self._answer([job])
            return
        self._seen(len(values))
        ends = np.cumsum([len(job.asked.values) for job in jobs])
        for job, end in zip(jobs, ends):
            own = slice(end - len(job.asked.values), end)
            job.answer.set_result({name: array[own] for name, array in outputs.items()})
