"""The errors a user can meet: each is one sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(received: str, names: Iterable[str]) -> str:
    """Return what to say of a name that is not among `names`: the nearest ones, else all."""
    names = list(names)
    near = difflib.get_close_matches(received.lower(), names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}."


class UserError(Exception):
    """Something the user can mend; a command prints the sentence and exits with 2."""


class DataError(UserError):
    """The cells, their labels or their patients cannot be used as they are."""


class BadImageError(DataError):
    """One image file that cannot be used.

    Parameters
    ----------
    path : object
        The file, as the user would name it.
    reason : str
        What is wrong with it and what to do, without the file's name.
    convertible : bool
        Whether `audit --convert-to` can write a clean copy of it.
    """

    def __init__(self, path: object, reason: str, convertible: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.convertible = convertible


class WeightsError(UserError):
    """Pretrained weights that cannot be had or do not fit."""


class RunError(UserError):
    """A run folder that is missing, of another version, or in the way."""
