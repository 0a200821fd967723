"""Errors a user can mend: each is one sentence that says what is wrong, where, and what to do.

A message names arguments in backticks, as Python does: "`epochs`: … Received: epochs=0". The command line turns them
into its flags.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from typing import Any

LONGEST = 120  # characters of a value that a message repeats


def nearest(received: str, names: Iterable[str]) -> str:
    """Return the hint for a name that is not among `names`: the nearest ones, else all of them.

    Examples
    --------
    >>> nearest("resnet5", ["resnet50", "vgg16"])
    'did you mean resnet50?'
    >>> nearest("x", ["resnet50", "vgg16"])
    'choose one of resnet50, vgg16.'
    """
    names = list(names)
    near = difflib.get_close_matches(received.lower(), names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(names)}."


class UserError(Exception):
    """Something the user can mend; a command prints the sentence and exits with 2."""


class ArgumentError(UserError):
    """An argument or a setting that cannot be used.

    Parameters
    ----------
    name : str
        The argument, such as `image_size` or `augment.zoom`.
    received : Any
        Its value.
    problem : str
        What is wrong and what it takes, as a sentence.

    Examples
    --------
    >>> str(ArgumentError("epochs", 0, "it takes a number of 1 or more."))
    '`epochs`: it takes a number of 1 or more. Received: epochs=0'
    """

    def __init__(self, name: str, received: Any, problem: str) -> None:
        super().__init__(f"`{name}`: {problem} Received: {name}={describe(received)}")


def describe(received: Any) -> str:
    """Return a value as a message shows it: text and numbers as they are, arrays and other objects by their kind.

    Examples
    --------
    >>> import threading, numpy
    >>> from pathlib import Path
    >>> describe("adam"), describe(0.5), describe(Path("cells"))
    ("'adam'", '0.5', 'cells')
    >>> describe(numpy.zeros((2, 3)))
    'an array of float64 [2, 3]'
    >>> describe(threading.Event)
    'threading.Event'
    """
    if isinstance(received, os.PathLike):
        return str(received)
    if hasattr(received, "shape") and hasattr(received, "dtype"):
        sizes = ", ".join("None" if size is None else str(size) for size in received.shape)
        return f"an array of {getattr(received.dtype, 'name', received.dtype)} [{sizes}]"
    if received is None or isinstance(received, (str, int, float, bytes, list, tuple, dict)):
        text = repr(received)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    kind = (
        received if isinstance(received, type) or (callable(received) and hasattr(received, "__qualname__")) else None
    )
    named = kind or type(received)
    return ("" if kind else "an object of ") + f"{named.__module__}.{named.__qualname__}"


class DataError(UserError):
    """The cells, their labels or their patients cannot be used as they are."""


class BadImageError(DataError):
    """One image file that cannot be used.

    Parameters
    ----------
    path : path-like
        The file, as the user would name it.
    reason : str
        What is wrong with it and what to do, without the file's name.
    convertible : bool
        Whether `audit --convert-to` can write a clean copy of it.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str, convertible: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.convertible = convertible


class WeightsError(UserError):
    """Pretrained weights that cannot be had or do not fit."""


class DamagedFileError(UserError, ValueError):
    """A table or a record that cannot be read as what it should be.

    Parameters
    ----------
    path : path-like
        The file.
    reason : str
        What is wrong with it.
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{path} is damaged, or another file ({reason}): restore it from a copy, or write it anew.")
        self.reason = reason


class RunError(UserError):
    """A run folder that is missing, of another version, or in the way."""
