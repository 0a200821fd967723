"""From flags to one call: what every command shares."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from leukemia_tf.errors import UserError

try:
    import tyro
except ModuleNotFoundError:  # a clone in which nobody has installed anything
    print("error: leukemia_tf's dependencies are not installed: run `pip install .` in its folder.", file=sys.stderr)
    sys.exit(2)

Config = TypeVar("Config")


def _log_to_terminal() -> None:
    """Send notes to standard output, warnings and errors to standard error."""
    notes, problems = logging.StreamHandler(sys.stdout), logging.StreamHandler(sys.stderr)
    notes.addFilter(lambda record: record.levelno < logging.WARNING)
    problems.setLevel(logging.WARNING)
    logging.basicConfig(format="%(message)s", handlers=[notes, problems])


def _stop(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)


def run_command(
    name: str,
    config_type: type[Config],
    command: Callable[[Config], object],
    default: Callable[[Sequence[str]], Config | None] = lambda arguments: None,
) -> NoReturn:
    """Parse the flags of `config_type`, call `command`, and exit as DESIGN promises.

    Exit status 0, what `command` returned if that is an int, 2 with one sentence for what the user can mend, 130 if
    interrupted. `default` returns the settings that a command line's flags are put on, if not `config_type()`.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's notes on how it was compiled
    _log_to_terminal()
    logging.getLogger("leukemia_tf").setLevel(logging.INFO)
    try:
        ground = default(sys.argv[1:])
        ground = {"default": ground} if ground else {}
        config = tyro.cli(
            config_type, prog=f"python -m leukemia_tf.{name}", config=(tyro.conf.FlagCreatePairsOff,), **ground
        )
        status = command(config)
    except UserError as error:
        _stop(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        _stop(f"{error.filename}: {error.strerror}")
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("interrupted", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)  # TensorFlow's threads may be in the middle of Python, and an orderly exit would then abort
    sys.exit(status if isinstance(status, int) else 0)
