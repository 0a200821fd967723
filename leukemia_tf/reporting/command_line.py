"""The command that reproduces a run, without the folders of the machine that made it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from leukemia_tf.config import CrossvalConfig, EvaluateConfig, NoisyStudentConfig, TrainConfig, TuneConfig
from leukemia_tf.config.settings import flag_word
from leukemia_tf.core.files import as_read

STUDIES = {"crossval": CrossvalConfig, "tune": TuneConfig, "noisy_student": NoisyStudentConfig}
PATTERN = "--patient-pattern"


def reproducing_command(settings: Mapping[str, Any]) -> str:
    """Return the command line of a run: the flags that differ from the defaults, and the folder of the cells.

    Report and card are passed on: a path is shown by its last name, which says what it is and not where it lay.

    Parameters
    ----------
    settings : mapping
        The content of config.json.
    """
    words = _ensemble_words(settings) if "members" in settings else _flag_words("train", settings, TrainConfig())
    return _shown(words)


def study_command(name: str, settings: Mapping[str, Any]) -> str:
    """Return the command line of a study: of `crossval`, `tune` or `noisy_student`, from the content of study.json."""
    return _shown(_flag_words(name, settings, STUDIES[name]()))


def external_command(metrics: Mapping[str, Any]) -> str:
    """Return the command line of `evaluate` on another folder, from the content of metrics.json there."""
    words = ["python", "-m", "leukemia_tf.evaluate", metrics["run"], "--data", metrics["folder"]]
    options = {**metrics["reading"], "tta": metrics["tta"], "seed": metrics["permutation_seed"]}
    return _shown([*words, *_changed_flags(options, EvaluateConfig())])


def _shown(words: Sequence[str]) -> str:
    """Return words as typed, paths by their last name; a pattern may hold slashes and is no path."""
    before = ["", *words]
    return shlex.join(word if flag == PATTERN else _without_folder(word) for flag, word in zip(before, words))


def _without_folder(word: str) -> str:
    """Return the last name of a path; other words, and settings in JSON, as they are."""
    if word.startswith(("[", "{")) or not re.search(r"[/\\]", word):
        return word
    return re.split(r"[/\\]", word.rstrip("/\\"))[-1] or "."


def _ensemble_words(settings: Mapping[str, Any]) -> list[str]:
    options = settings["asked"]
    words = ["python", "-m", "leukemia_tf.ensemble", *options["runs"], "--method", options["method"]]
    return [*words, "--threshold", options["threshold"]]


def _flag_words(name: str, settings: Mapping[str, Any], default: TrainConfig) -> list[str]:
    options = dict(settings["asked"])
    if settings["data"].get("name") != "embedded":
        options["data"] = settings["data"]["folder"]
    return ["python", "-m", f"leukemia_tf.{name}", *_changed_flags(options, default)]


def _changed_flags(options: Mapping[str, Any], default: TrainConfig | EvaluateConfig) -> Iterator[str]:
    """Yield the words of the options that differ from their defaults; where results go is not part of them."""
    defaults = _flags(cast("dict[str, Any]", as_read(asdict(default))))
    for flag, value in _flags(options).items():
        if value == defaults.get(flag) or flag in ("--out", "--resume"):
            continue
        if isinstance(value, bool):
            yield flag if value else re.sub(r"^--(augment\.)?", r"--\1no-", flag)
        else:
            yield from (flag, *map(str, value if isinstance(value, list) else [value]))


def _flags(options: Mapping[str, Any], prefix: str = "--") -> dict[str, Any]:
    flags: dict[str, Any] = {}
    for name, value in options.items():
        flag = prefix + flag_word(name)
        flags |= _flags(value, f"{flag}.") if isinstance(value, dict) else {flag: value}
    return flags
