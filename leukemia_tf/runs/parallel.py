"""Independent tasks: one after another in this process, or in parallel on a Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import count, islice
from typing import Any, TypeVar

from leukemia_tf.config import EngineConfig
from leukemia_tf.core.errors import ArgumentError, UserError, nearest

ENGINES = ("none", "ray")
WAIT = 10  # seconds for a cluster to answer
RETRIES = 5  # of a task whose machine is lost
AHEAD = 2  # tasks per processor that run or wait: bounds the memory
Result = TypeVar("Result")


def check_engine(config: EngineConfig) -> None:
    """Stop at an engine that there is not, or whose cluster does not answer.

    Raises
    ------
    ArgumentError
        That says which, within 15 seconds.
    """
    if config.engine not in ENGINES:
        raise ArgumentError("engine", config.engine, nearest(config.engine, ENGINES))
    if config.cpus < 1:
        raise ArgumentError("cpus", config.cpus, "it takes a number of 1 or more.")
    if config.engine == "none":
        if config.address:
            raise ArgumentError("address", config.address, "it is a Ray cluster's: say `engine=ray` beside it.")
        return
    try:
        import ray  # noqa: F401
    except ImportError:
        problem = "Ray is not installed; pip install 'leukemia_tf[cluster]'."
        raise ArgumentError("engine", config.engine, problem) from None
    if config.address not in (None, "auto", "local"):
        host, _, port = config.address.removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host, int(port)), WAIT).close()
        except (OSError, ValueError, OverflowError) as error:
            problem = f"no Ray cluster answers there ({error})."
            raise ArgumentError("address", config.address, problem) from None


def run_tasks(
    function: Callable[..., Result], tasks: Iterable[tuple], config: EngineConfig
) -> Iterator[tuple[int, Result]]:
    """Call a function for each of several independent tasks.

    On a Ray cluster each task takes `config.cpus` processors, and a GPU if the cluster has any. A task whose machine is
    lost runs again on another one. All machines must see the same files under the same paths. A process that is
    connected to a cluster stays connected.

    Parameters
    ----------
    function : callable
        Of a module; takes a task's arguments, and may be called twice with the same ones.
    tasks : iterable of tuple
        The arguments of each, taken as they are needed.
    config : EngineConfig
        The engine.

    Yields
    ------
    tuple
        A task's number and its result, as they are finished.

    Raises
    ------
    UserError
        If a task raises it, or there is no cluster.
    """
    if config.engine == "none":
        for number, task in enumerate(tasks):
            yield number, function(*task)
        return

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # what a laboratory computes stays there
    import ray

    if not ray.is_initialized():
        try:
            ray.init(address=config.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            problem = f"no Ray cluster ({str(error).splitlines()[0]})."
            raise ArgumentError("address", config.address, problem) from None
    yield from _run_on_ray(function, tasks, config.cpus)


def _run_on_ray(function: Callable[..., Result], tasks: Iterable[tuple], cpus: int) -> Iterator[tuple[int, Result]]:
    import ray

    resources = ray.cluster_resources()
    processors = int(resources.get("CPU", 0))
    if processors < cpus:
        raise ArgumentError("cpus", cpus, f"the cluster's machines have {processors} processors in all.")
    remote: Any = ray.remote(num_cpus=cpus, num_gpus=int("GPU" in resources), max_retries=RETRIES)(_run_task)
    environment = {name: value for name, value in os.environ.items() if name.startswith("LEUKEMIA_TF_")}
    folder, numbers, tasks = os.getcwd(), count(), iter(tasks)
    running: dict[Any, int] = {}
    while True:
        for task in islice(tasks, AHEAD * (processors // cpus) - len(running)):
            running[remote.remote(function, folder, environment, task)] = next(numbers)
        if not running:
            return
        (finished,), _ = ray.wait(list(running), num_returns=1)
        result, problem = ray.get(finished)
        if problem:
            raise UserError(problem)
        yield running.pop(finished), result


def _run_task(
    function: Callable[..., Result], folder: str, environment: Mapping[str, str], task: tuple
) -> tuple[Result | None, str]:
    """Run a task on another machine; return its result, or the sentence of a `UserError`."""
    with suppress(OSError):
        os.chdir(folder)
    os.environ.update(environment)
    try:
        return function(*task), ""
    except UserError as error:
        return None, str(error)
