"""The versions of an exported model that are served: the newest and those with a label, as the folder changes."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from leukemia_tf.core.errors import UserError
from leukemia_tf.serving.versions import Version, list_versions, load_version

log = logging.getLogger("leukemia_tf")

SECONDS = 1.0  # between two checks of the folder
LONGEST = 60.0  # seconds until a version that could not be loaded is tried again
LABELS = "labels.json"  # beside the versions: {"stable": 3}


class NotReadyError(Exception):
    """No version is loaded yet."""


class UnknownVersionError(UserError):
    """No such version or label is served."""


@dataclass(frozen=True)
class _Failure:
    files: tuple  # of the version, when it was tried
    wait: float  # seconds
    again: float  # monotonic seconds


class WatchedModel:
    """A model's newest version and those that labels.json names.

    `start` loads them in a background thread and follows the folder until `stop`: a newer version takes over once it is
    loaded, and where it is deleted the one before does. A version that cannot be loaded is tried again when its files
    change, and after 1, 2, 4 … 60 seconds.

    Parameters
    ----------
    folder : pathlib.Path
        With one folder per version; its name is the model's.

    Raises
    ------
    UserError
        If there is no version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.resolve().name
        if not folder.is_dir() or not list_versions(folder):
            raise UserError(
                f"{folder} has no version of a model: it must hold 1/saved_model.pb, as `export` writes it."
            )
        self.failure: UserError | None = None
        self._loaded: dict[int, Version] = {}
        self._labels: dict[str, int] = {}
        self._failed: dict[int, _Failure] = {}
        self._complaint = ""
        self._stopped = threading.Event()

    @property
    def version(self) -> Version:
        """The newest version that is loaded.

        Raises
        ------
        NotReadyError
            If there is none yet.
        """
        if not self._loaded:
            raise NotReadyError
        return self._loaded[max(self._loaded)]

    @property
    def versions(self) -> list[Version]:
        """All versions that are loaded, the newest first."""
        return [self._loaded[number] for number in sorted(self._loaded, reverse=True)]

    def find(self, version: str | None = None, label: str | None = None) -> Version:
        """Return the version of a number or label; without either the newest.

        Raises
        ------
        NotReadyError
            If none is loaded yet.
        UnknownVersionError
            If that one is not served.
        """
        newest = self.version
        if version is None and label is None:
            return newest
        number = str(self._labels.get(label)) if label is not None else version
        for one in self.versions:
            if str(one.number) == number:
                return one
        served = ", ".join(str(one.number) for one in self.versions)
        labels = ", ".join(f"{name} = {number}" for name, number in self._labels.items()) or "none"
        raise UnknownVersionError(f"{self.name} has version {served}; labels: {labels}.")

    def check_name(self, name: str) -> None:
        """Check that a request is for this model.

        Raises
        ------
        UnknownVersionError
            If it names another.
        """
        if name != self.name:
            raise UnknownVersionError(f"there is no model {name!r} here; the model is {self.name}.")

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Load the versions in a background thread, and follow the folder.

        Parameters
        ----------
        on_failure : callable
            Called if no version can be loaded; `failure` then says why.
        """
        threading.Thread(target=self._follow, args=(on_failure,), name="versions", daemon=True).start()

    def stop(self) -> None:
        """Stop following."""
        self._stopped.set()

    def check(self) -> None:
        """Load what is new in the folder, and unload what is no longer served.

        Raises
        ------
        UserError
            If nothing is loaded after it.
        """
        numbers = list_versions(self.folder)
        self._labels = self._read_labels()
        served = next(([number] for number in reversed(numbers) if self._has(number)), [])
        served += [number for number in self._labels.values() if number in numbers and self._has(number)]
        if not self._loaded:
            raise UserError(self._complaint or f"{self.folder} has no version of a model any more.")
        if not numbers:
            self._complain(f"{self.folder} has no version of a model any more")
        elif set(self._loaded) != set(served):
            self._loaded = {number: version for number, version in self._loaded.items() if number in served}

    def _follow(self, on_failure: Callable[[], None]) -> None:
        try:
            self.check()
        except UserError as error:
            self.failure = error
            on_failure()
            return
        while not self._stopped.wait(SECONDS):
            self.check()

    def _has(self, number: int) -> bool:
        """Return whether a version is loaded; if not, load it where that is due."""
        if number in self._loaded:
            return True
        folder, failed = self.folder / str(number), self._failed.get(number)
        files = _files(folder)
        if failed and failed.files == files and time.monotonic() < failed.again:
            return False
        try:
            version = load_version(self.folder, number)
        except (OSError, ValueError, tf.errors.OpError) as error:
            wait = min(2 * failed.wait, LONGEST) if failed and failed.files == files else SECONDS
            self._failed[number] = _Failure(files, wait, time.monotonic() + wait)
            self._complain(f"{folder} cannot be loaded: {(str(error).splitlines() or [type(error).__name__])[0]}")
            return False
        self._failed.pop(number, None)
        if self._loaded:
            log.info("version %d is loaded", number)
        self._loaded = {**self._loaded, number: version}
        return True

    def _read_labels(self) -> dict[str, int]:
        path = self.folder / LABELS
        try:
            labels = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            if not isinstance(labels, dict) or not all(type(number) is int for number in labels.values()):
                raise ValueError('it must map labels to versions, as in {"stable": 3}')
        except (OSError, ValueError) as error:
            self._complain(f"{path} is not used: {error}")
            return self._labels
        return labels

    def _complain(self, sentence: str) -> None:
        """Log a problem, once for as long as it stays the same."""
        if sentence != self._complaint and self._loaded:
            log.error("%s; version %d is served", sentence, self.version.number)
        self._complaint = sentence


def _files(folder: Path) -> tuple:
    """Return what tells whether a version's files have changed: their names, sizes and times."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except OSError:  # deleted meanwhile
            continue
        found.append((str(path), status.st_size, status.st_mtime_ns))
    return tuple(found)
