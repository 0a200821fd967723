"""The folder of several trainings that belong together: the only place that knows its file names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import leukemia_tf
from leukemia_tf.config import EngineConfig, TrainConfig
from leukemia_tf.errors import RunError
from leukemia_tf.files import as_read, write_json
from leukemia_tf.run import Folder, RunFolder, check_vacant

Config = TypeVar("Config", bound=TrainConfig)
FORMAT = 1  # raise it when an older folder can no longer be read


class Study(Folder):
    """Trainings with what they come to together.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "study.json")
        self.folds = self.path / "folds.csv"
        self.trials = self.path / "trials.csv"
        self.recipe = self.path / "recipe.json"
        self.rounds = self.path / "rounds.csv"

    def run(self, name: str) -> RunFolder:
        """Return a training's folder."""
        return RunFolder(self.path / name)

    def split(self, name: str, suffix: str) -> Path:
        """Return the path of the split that a training is asked for; `.json` by patient, `.csv` by image."""
        return self.path / "splits" / f"{name}{suffix}"

    def pseudo_labels(self, name: str) -> Path:
        """Return the path of the labels that a network told for a training."""
        return self.path / "pseudo-labels" / f"{name}.csv"

    def write_config(self, kind: str, **values: object) -> None:
        """Write study.json: the command that made the folder, and what it was asked."""
        write_json(self.config, {"format": FORMAT, "kind": kind, "version": leukemia_tf.__version__, **values})


def open_study(path: Path, kind: str) -> Study:
    """Open the folder of a finished or interrupted study of a kind.

    Raises
    ------
    RunError
        If there is none, or one of another kind or version.
    """
    study = Study(path)
    if not study.config.is_file():
        raise RunError(f"{path} is no folder of `{kind}`: it has no {study.config.name}.")
    try:
        settings = study.read_config()
        found = (settings["format"], settings["kind"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{study.config} cannot be read ({error}): name another folder.") from None
    if found != (FORMAT, kind):
        raise RunError(f"{path} is a folder of `{found[1]}`, format {found[0]}; this reads `{kind}`, format {FORMAT}.")
    return study


def study_asked(asked: Config, kind: str) -> tuple[Study | None, Config, dict]:
    """Return the study that a command is to go on with, if any, what it is to do, and the words that study.json keeps.

    Where the work is done is as asked now; all else that goes on is as it was begun.

    Raises
    ------
    RunError
        See `_find_begun`.
    """
    where = asked.where() if isinstance(asked, EngineConfig) else {}
    plain = EngineConfig().where() if where else {}
    words = {**asdict(asked), **plain, "resume": False}
    begun = _find_begun(asked.out, kind, words, asked.resume)
    return begun, type(asked)(**{**begun.read_config()["asked"], **where}) if begun else asked, words


def _find_begun(path: Path | None, kind: str, asked: dict, resume: bool) -> Study | None:
    """Return the study in `path` that is to go on: by `resume`, or asked for in the same words; None if there is none.

    Raises
    ------
    RunError
        If there is none to resume, or if something else is in the way of a new one.
    """
    if path is None:
        if resume:
            raise RunError("--resume goes on with what is in --out: name that folder.")
        return None
    if resume:
        return open_study(path, kind)
    study = Study(path)
    if study.config.is_file() and open_study(path, kind).read_config()["asked"] == as_read(asked):
        return study
    check_vacant(path)
    return None
