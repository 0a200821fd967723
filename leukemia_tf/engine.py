"""Independent pieces of work: one after the other in this process, or side by side on a Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count, islice
from typing import TypeVar

from leukemia_tf.config import EngineConfig
from leukemia_tf.errors import UserError, nearest

log = logging.getLogger("leukemia_tf")

ENGINES = ("none", "ray")
WAIT = 10  # seconds for a cluster to answer
RETRIES = 5  # of a piece whose machine is lost
AHEAD = 2  # pieces a processor that are under way or waiting: bounds the memory
Result = TypeVar("Result")


def check_engine(config: EngineConfig) -> None:
    """Stop at an engine that there is not, or whose cluster does not answer.

    Raises
    ------
    UserError
        That says which, within 15 seconds.
    """
    if config.engine not in ENGINES:
        raise UserError(f"--engine {config.engine}: {nearest(config.engine, ENGINES)}")
    if config.cpus < 1:
        raise UserError(f"--cpus {config.cpus}: it takes a number of 1 or more.")
    if config.engine == "none":
        if config.address:
            raise UserError(f"--address {config.address}: it is Ray's; say --engine ray beside it.")
        return
    try:
        import ray  # noqa: F401
    except ImportError:
        raise UserError("--engine ray: Ray is not installed; pip install 'leukemia_tf[cluster]'.") from None
    if config.address not in (None, "auto", "local"):
        host, _, port = config.address.removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host, int(port)), WAIT).close()
        except (OSError, ValueError, OverflowError) as error:
            raise UserError(f"--address {config.address}: no Ray cluster answers there ({error}).") from None


def each(work: Callable[..., Result], pieces: Iterable[tuple], config: EngineConfig) -> Iterator[tuple[int, Result]]:
    """Do pieces of work that do not depend on each other.

    On a Ray cluster each takes `config.cpus` processors, and a GPU if the cluster has any. A piece whose machine is
    lost is done again elsewhere. All machines must see the same files under the same paths. A process that is connected
    to a cluster stays so.

    Parameters
    ----------
    work : callable
        Of a module; takes a piece's parts, and can be told again what it has done before.
    pieces : iterable of tuple
        Taken as they are needed.
    config : EngineConfig
        The engine.

    Yields
    ------
    tuple
        A piece's number and what came of it, as they are finished.

    Raises
    ------
    UserError
        If a piece raises it, or there is no cluster.
    """
    if config.engine == "none":
        for number, piece in enumerate(pieces):
            yield number, work(*piece)
        return

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # what a laboratory computes is told to nobody
    import ray

    if not ray.is_initialized():
        try:
            ray.init(address=config.address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise UserError(f"--address {config.address}: no Ray cluster ({str(error).splitlines()[0]}).") from None
    yield from _on_ray(work, pieces, config.cpus)


def _on_ray(work: Callable[..., Result], pieces: Iterable[tuple], cpus: int) -> Iterator[tuple[int, Result]]:
    import ray

    found = ray.cluster_resources()
    slots = int(found.get("CPU", 0)) // cpus
    if not slots:
        raise UserError(f"--cpus {cpus}: the cluster's machines have {int(found.get('CPU', 0))} processors in all.")
    task = ray.remote(num_cpus=cpus, num_gpus=int("GPU" in found), max_retries=RETRIES)(_piece)
    told = (work, os.getcwd(), {name: value for name, value in os.environ.items() if name.startswith("LEUKEMIA_TF_")})
    numbers, pieces, waiting = count(), iter(pieces), {}
    while True:
        for piece in islice(pieces, AHEAD * slots - len(waiting)):
            waiting[task.remote(*told, piece)] = next(numbers)
        if not waiting:
            return
        (finished,), _ = ray.wait(list(waiting), num_returns=1)
        result, problem = ray.get(finished)
        if problem:
            raise UserError(problem)
        yield waiting.pop(finished), result


def _piece(work: Callable[..., Result], folder: str, environment: dict, piece: tuple) -> tuple[Result | None, str]:
    """Do a piece on another machine: what came of it, or the sentence of what the user can mend."""
    with suppress(OSError):
        os.chdir(folder)
    os.environ.update(environment)
    try:
        return work(*piece), ""
    except UserError as error:
        return None, str(error)
