"""Dynamic batching: requests that arrive together are computed together, by one thread that runs TensorFlow."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from leukemia_tf.serving.rest import IMAGE_BYTES, PredictRequest, Values

BATCH, WAIT = 32, 0.004  # images; seconds that the first of them waits for others
MOST_WAITING = 512  # images

Outputs = dict[str, np.ndarray]
Compute = Callable[[str, Values], Outputs]  # a signature's name and its values -> arrays of [n] by name


class FullError(Exception):
    """So many images wait that one more would wait too long."""


@dataclass
class _Job:
    request: PredictRequest
    compute: Compute
    outputs: Future[Outputs] = field(default_factory=Future)


class Batcher:
    """Computes requests, some together.

    Parameters
    ----------
    observe : callable, optional
        Called with the number of images of each batch.
    """

    def __init__(self, observe: Callable[[int], None] = lambda count: None) -> None:
        self._observe = observe
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock, self.waiting = threading.Lock(), 0
        threading.Thread(target=self._work, name="batches", daemon=True).start()

    def submit(self, request: PredictRequest, compute: Compute) -> Future[Outputs]:
        """Return the future of a request's outputs: arrays of [n] by name.

        Parameters
        ----------
        request : PredictRequest
            The request.
        compute : callable
            `Version.predict` of the version that it is for; requests for one version and signature are batched.

        Raises
        ------
        FullError
            If too many images wait.
        """
        with self._lock:
            if self.waiting + len(request.values) > MOST_WAITING:
                raise FullError
            self.waiting += len(request.values)
        job = _Job(request, compute)
        self._jobs.put(job)
        return job.outputs

    def close(self) -> None:
        """Compute what waits, and stop."""
        self._jobs.put(None)

    def _work(self) -> None:
        ended = False
        while not ended:
            jobs, ended = self._gather()
            for key in dict.fromkeys((job.compute, job.request.signature) for job in jobs):
                alike = [job for job in jobs if (job.compute, job.request.signature) == key]
                active = [job for job in alike if job.outputs.set_running_or_notify_cancel()]
                together = alike[0].request.name == IMAGE_BYTES  # decoded images may differ in size
                for batch in [active] if together and active else [[job] for job in active]:
                    self._compute(batch)
            with self._lock:
                self.waiting -= sum(len(job.request.values) for job in jobs)

    def _gather(self) -> tuple[list[_Job], bool]:
        """Return the next requests, and whether they are the last."""
        first = self._jobs.get()
        if first is None:
            return [], True
        jobs, until = [first], time.monotonic() + WAIT
        while sum(len(job.request.values) for job in jobs) < BATCH:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _compute(self, jobs: Sequence[_Job]) -> None:
        requests = [job.request for job in jobs]
        values = requests[0].values if len(jobs) == 1 else [value for request in requests for value in request.values]
        try:
            outputs = jobs[0].compute(requests[0].signature, values)
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].outputs.set_exception(error)
            else:  # one of them must not spoil the others
                for job in jobs:
                    self._compute([job])
            return
        self._observe(len(values))
        ends = np.cumsum([len(request.values) for request in requests])
        for job, end in zip(jobs, ends):
            rows = slice(end - len(job.request.values), end)
            job.outputs.set_result({name: array[rows] for name, array in outputs.items()})
