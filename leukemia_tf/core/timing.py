"""Where the time of a command goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

Seconds = dict[str, float]  # by what was done, in the order in which it began

_collected: ContextVar[Seconds | None] = ContextVar("collected", default=None)
_inside: ContextVar[list[float] | None] = ContextVar("inside", default=None)  # seconds of the blocks in this one


@contextmanager
def collecting_time() -> Iterator[Seconds]:
    """Collect the seconds of every `timed` block inside this one."""
    seconds: Seconds = {}
    token = _collected.set(seconds)
    try:
        yield seconds
    finally:
        _collected.reset(token)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Add the seconds of this block to those of its name, without those of `timed` blocks inside it."""
    seconds = _collected.get()
    if seconds is None:
        yield
        return
    seconds.setdefault(name, 0.0)
    inner: list[float] = []
    token, began = _inside.set(inner), time.monotonic()
    try:
        yield
    finally:
        _inside.reset(token)
        whole = time.monotonic() - began
        seconds[name] += whole - sum(inner)
        outer = _inside.get()
        if outer is not None:
            outer.append(whole)


def seconds_so_far() -> Seconds:
    """Return what was collected until now; nothing where nobody collects."""
    return dict(_collected.get() or {})


def time_text(seconds: Mapping[str, float]) -> str:
    """Return the times in one line, and their sum.

    Examples
    --------
    >>> time_text({"reading": 12.3, "features": 95.0, "report": 0.2})
    'reading 12 s, features 1 min 35 s, report 0 s; 1 min 48 s in all'
    """
    parts = ", ".join(f"{name} {_text(value)}" for name, value in seconds.items())
    return f"{parts}; {_text(sum(seconds.values()))} in all"


def _text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
