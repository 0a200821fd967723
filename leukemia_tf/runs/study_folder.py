"""The folder of several trainings that belong together: the only place that knows its file names."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from leukemia_tf.config import EngineConfig, TrainConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import as_read, write_json
from leukemia_tf.core.version import __version__
from leukemia_tf.runs.open_runs import check_vacant
from leukemia_tf.runs.run_folder import Folder, RunFolder

Config = TypeVar("Config", bound=TrainConfig)
STUDY = "study.json"
CROSSVAL = "crossval"  # a kind of study
FORMAT = 1  # raise it when an older folder can no longer be read


class Study(Folder):
    """Several trainings with their common results.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, STUDY)
        self.folds = self.path / "folds.csv"
        self.trials = self.path / "trials.csv"
        self.recipe = self.path / "recipe.json"
        self.rounds = self.path / "rounds.csv"

    def run(self, name: str) -> RunFolder:
        """Return a training's folder."""
        return RunFolder(self.path / name)

    def split(self, name: str, suffix: str) -> Path:
        """Return the path of a training's split; the suffix is `.json` by patient, `.csv` by image."""
        return self.path / "splits" / f"{name}{suffix}"

    def pseudo_labels(self, name: str) -> Path:
        """Return the path of a training's pseudo-labels."""
        return self.path / "pseudo-labels" / f"{name}.csv"

    def write_config(self, kind: str, **values: Any) -> None:
        """Write study.json: the command that made the folder, and its settings."""
        write_json(self.config, {"format": FORMAT, "kind": kind, "version": __version__, **values})


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
        received = (settings["format"], settings["kind"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "reason", error)
        raise RunError(f"{study.config} cannot be read ({reason}): name another folder.") from None
    if received != (FORMAT, kind):
        raise RunError(
            f"{path} is a folder of `{received[1]}`, format {received[0]}; this reads `{kind}`, format {FORMAT}."
        )
    return study


def resolve_study(requested: Config, kind: str) -> tuple[Study | None, Config, dict[str, Any]]:
    """Find the study that a command resumes.

    A resumed study keeps its settings, except for where its tasks are run: those are the requested ones.

    Returns
    -------
    tuple
        The study that is resumed, or None; the settings to work by; and the settings for a new study.json.

    Raises
    ------
    RunError
        If there is none to resume, or if something else is in the way of a new one.
    """
    engine: dict[str, Any] = requested.where() if isinstance(requested, EngineConfig) else {}
    default_engine: dict[str, Any] = EngineConfig().where() if engine else {}
    record = {**asdict(requested), **default_engine, "resume": False}
    study = _find_interrupted_study(requested.out, kind, record, requested.resume)
    config = type(requested)(**{**study.read_config()["asked"], **engine}) if study else requested
    return study, config, record


def _find_interrupted_study(path: Path | None, kind: str, record: dict[str, Any], resume: bool) -> Study | None:
    """Return the study in `path` that resumes: by `resume`, or by the same settings; None if there is none."""
    if path is None:
        if resume:
            raise RunError("`resume` goes on with what is in `out`: name that folder.")
        return None
    if resume:
        return open_study(path, kind)
    study = Study(path)
    if study.config.is_file() and open_study(path, kind).read_config()["asked"] == as_read(record):
        return study
    check_vacant(path)
    return None
