"""From flags to one call: what every command shares."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import sys
import tempfile
import typing
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, NoReturn, TypeVar

try:
    import tyro
except ModuleNotFoundError:  # a clone in which nobody has installed anything
    print("error: leukemia_tf's dependencies are not installed: run `pip install .` in its folder.", file=sys.stderr)
    sys.exit(2)

from leukemia_tf.config import TrainConfig
from leukemia_tf.config.recipes import from_recipe
from leukemia_tf.config.settings import Append, Positional, flag_word
from leukemia_tf.core.console import loading, start_console
from leukemia_tf.core.errors import UserError
from leukemia_tf.core.surroundings import prepare_process
from leukemia_tf.core.version import __version__

__all__ = ["as_flags", "loading", "run_command"]

Config = TypeVar("Config")

FULL = (errno.ENOSPC, errno.EDQUOT)  # a full disk, or a used-up quota
LEVELS = {"-q": logging.WARNING, "--quiet": logging.WARNING, "-v": logging.DEBUG, "--verbose": logging.DEBUG}
MARKERS = {Positional: tyro.conf.Positional, Append: tyro.conf.UseAppendAction}
ARGUMENT = re.compile(r"`([a-z_][a-z_.]*)(?:=([^`]*))?`|(?<=Received: )([a-z_][a-z_.]*)=([^,`]*)")


def run_command(
    name: str,
    config_type: type[Config],
    command: Callable[[Config], Any],
) -> NoReturn:
    """Parse the flags of `config_type`, call `command`, and exit.

    Exit status 0, what `command` returned if that is an int, 2 with one sentence for what the user can mend, 130 if
    interrupted. `--recipe` names settings that the other flags change; `-q` shows warnings and errors alone, `-v` more
    than usual.
    """
    arguments, level = _verbosity(sys.argv[1:])
    names = argument_names(config_type)
    start_console(level)
    _speak_of_flags(names)
    prepare_process()
    try:
        config = _parse(name, config_type, arguments)
        status = command(config)
    except UserError as error:
        _stop(as_flags(str(error), names))
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has seen enough
        _discard_output()
        os._exit(0)
    except OSError as error:
        if error.filename is None and error.errno not in FULL:
            raise
        _stop(f"{error.filename or f'the results, or {tempfile.gettempdir()}'}: {error.strerror}")
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("interrupted", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130)  # TensorFlow's threads may be in the middle of Python, and an orderly exit would then abort
    _leave(status if isinstance(status, int) else 0)


def _leave(status: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    sys.exit(status)


def _discard_output() -> None:
    """Let what is still buffered go nowhere: nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_flags(sentence: str, names: set[str]) -> str:
    """Turn the arguments that a message names into flags.

    Examples
    --------
    >>> as_flags("`image_size`: it takes 1 or more. Received: image_size=0", {"image_size"})
    '--image-size: it takes 1 or more. Received: --image-size 0'
    >>> as_flags("go on with `out=runs/a`, `resume=True`", {"out", "resume"})
    'go on with --out runs/a, --resume'
    >>> as_flags("`from_=runs/a`: it is an ensemble", {"from_"})
    '--from runs/a: it is an ensemble'
    """

    def flag(match: re.Match) -> str:
        name, value = match[1] or match[3], match[2] or match[4]
        if name not in names:
            return match[0]
        word = f"--{flag_word(name)}"
        return word if value in (None, "", "True") else f"{word} {value.strip(QUOTES)}"

    return ARGUMENT.sub(flag, sentence)


QUOTES = "'\""


def argument_names(config_type: type) -> set[str]:
    """Return the names of a config's settings, those of a group as `augment.zoom`."""
    names = set()
    for field in fields(typing.cast(Any, config_type)):
        names.add(field.name)
        group = field.default_factory() if field.default_factory is not MISSING else None
        if is_dataclass(group):
            names |= {f"{field.name}.{own.name}" for own in fields(group)}
    return names


def _verbosity(arguments: Sequence[str]) -> tuple[list[str], int]:
    """Take `-q`, `-v` and `--version` out of a command line."""
    if "--version" in arguments:
        print(f"leukemia_tf {__version__}")
        sys.exit(0)
    levels = [LEVELS[argument] for argument in arguments if argument in LEVELS]
    return [argument for argument in arguments if argument not in LEVELS], levels[-1] if levels else logging.INFO


def _parse(name: str, config_type: type[Config], arguments: Sequence[str]) -> Config:
    for owner in config_type.__mro__:
        if is_dataclass(owner):
            owner.__annotations__ = {
                key: _marked(key, hint) for key, hint in typing.get_type_hints(owner, include_extras=True).items()
            }
    program, options = f"python -m leukemia_tf.{name}", (tyro.conf.FlagCreatePairsOff,)
    recipe = _recipe(arguments) if issubclass(config_type, TrainConfig) else None
    if recipe is None:
        return tyro.cli(config_type, prog=program, args=arguments, config=options)
    default: Config = from_recipe(recipe, typing.cast(Any, config_type))
    return tyro.cli(config_type, prog=program, args=arguments, config=options, default=default)


def _recipe(arguments: Sequence[str]) -> str | None:
    """Return the value of `--recipe` on a command line."""
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag == "--recipe":
            return value if equals else "".join(arguments[place + 1 : place + 2])
    return None


def _marked(name: str, hint: Any) -> Any:
    """Put tyro's marker where a config has its own; `from_`, a Python keyword without its underscore, is `--from`."""
    if name.endswith("_"):
        return Annotated[hint, tyro.conf.arg(name=flag_word(name))]
    if typing.get_origin(hint) is not Annotated:
        return hint
    kind, *markers = typing.get_args(hint)
    return Annotated[(kind, *(MARKERS.get(marker, marker) for marker in markers))]


def _speak_of_flags(names: set[str]) -> None:
    """Let what is logged name flags too."""

    def translate(record: logging.LogRecord) -> bool:
        record.msg, record.args = as_flags(record.getMessage(), names), None
        return True

    for handler in logging.getLogger("leukemia_tf").handlers:
        handler.addFilter(translate)


def _stop(sentence: str) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)
