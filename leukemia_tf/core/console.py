"""What the package shows while it works: log lines, and progress bars where there is a terminal or a notebook."""

from __future__ import annotations

import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from tqdm.notebook import tqdm as notebook_bar
from tqdm.std import tqdm as terminal_bar

from leukemia_tf.core.surroundings import check_keras

log = logging.getLogger("leukemia_tf")

NOISE = re.compile(  # what TensorFlow and CUDA print while they start, whatever TF_CPP_MIN_LOG_LEVEL is
    r"^(WARNING: All log messages before absl::|[IW]\d{4} |To enable the following instructions"
    r"|E\d{4} .*(cuInit|Unable to register cu|computation_placer))"
)
LINE_EVERY = 30.0  # seconds between two lines of progress where no bar can be drawn
LINE = "{desc}: {n_fmt} of {total_fmt} {unit}, {elapsed} elapsed, {remaining} left{postfix}"


def start_console(level: int = logging.INFO) -> None:
    """Send the package's log to the standard streams, unless the program has set up logging itself.

    Notes go to standard output, warnings and errors to standard error. In a notebook both show under the cell.
    """
    if log.handlers or logging.getLogger().handlers:
        return
    notes, problems = _Stream(sys.stdout), _Stream(sys.stderr)
    notes.addFilter(lambda record: record.levelno < logging.WARNING)
    problems.setLevel(logging.WARNING)
    for handler in (notes, problems):
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
    log.propagate = False
    log.setLevel(level)


class _Stream(logging.StreamHandler):
    """Passes on that the reader of a pipe is gone, instead of printing a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's name
        """Re-raise a broken pipe."""
        if isinstance(sys.exc_info()[1], BrokenPipeError):
            raise
        super().handleError(record)


@contextmanager
def quiet_if(json: bool) -> Iterator[None]:
    """Log warnings and errors alone, so that standard output holds nothing but JSON."""
    level = log.level
    if json:
        log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)


@contextmanager
def loading() -> Iterator[None]:
    """Import a workflow inside this: start-up lines of TensorFlow and CUDA are hidden, and the console is started.

    All other lines are passed on.
    """
    logging.getLogger("tensorflow").addFilter(_not_about_retracing)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters is an exception in Python, too
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile("w+", errors="replace") as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].config.list_physical_devices()  # here CUDA says what it lacks
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            sys.stderr.writelines(line for line in caught if not NOISE.match(line))
    start_console()
    if "keras" in sys.modules:
        check_keras(sys.modules["keras"])


def _not_about_retracing(record: logging.LogRecord) -> bool:
    """Drop the warning that counts the functions of all networks together: each network's is traced once."""
    return "triggered tf.function retracing" not in record.getMessage()


def progress_bar(
    iterable: Iterable | None = None,
    *,
    total: int | None = None,
    title: str = "",
    unit: str = "it",
    initial: int = 0,
    leave: bool = False,
    disable: bool = False,
) -> Any:
    """Return a bar over an iterable, or one to `update`: `tqdm` in a terminal or notebook, else a line now and then.

    Parameters
    ----------
    iterable : iterable, optional
        What to go through.
    total, initial : int
        How many there are, and how many were done before.
    title, unit : str
        What is done; what is counted.
    leave : bool
        Whether the bar stays once it is full.
    disable : bool
        Whether to show nothing.

    Returns
    -------
    tqdm.tqdm
        Also a context manager.
    """
    options = {"total": total, "desc": title, "unit": unit, "initial": initial, "leave": leave}
    quiet = disable or not log.isEnabledFor(logging.INFO)
    return _bar_class()(iterable, disable=quiet, **options)


def _bar_class() -> Any:
    """Return what fits the place: a bar of the terminal or of a notebook that can draw one, else lines."""
    if "ipykernel" in sys.modules:
        return notebook_bar if find_spec("ipywidgets") else _Lines
    return terminal_bar if sys.stderr.isatty() else _Lines


class _Lines(terminal_bar):
    """A bar that logs a line every half minute: for files, pipes and batch jobs."""

    def __init__(self, iterable: Iterable | None = None, **options: Any) -> None:
        spacing = {"mininterval": LINE_EVERY, "maxinterval": LINE_EVERY, "delay": LINE_EVERY}
        super().__init__(iterable, **options, **spacing, bar_format=LINE)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Log where it stands."""
        if msg != "":
            log.info("%s", self)
        return True

    def close(self) -> None:
        """End without a last line."""
        self.disable = True

    @classmethod
    @contextmanager
    def external_write_mode(cls, file: Any = None, nolock: bool = False) -> Iterator[None]:
        """Do nothing: no bar is drawn that another line could break."""
        yield
