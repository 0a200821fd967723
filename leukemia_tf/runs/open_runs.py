"""Which run folder: a new one, a named one, or the newest."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from leukemia_tf.core.errors import RunError
from leukemia_tf.core.version import __version__
from leukemia_tf.runs.run_folder import FORMAT, RunFolder, free_folder

RUNS = Path("runs")


def new_run_path(name: str) -> Path:
    """Return a free path below `runs/` with the time and a name."""
    return free_folder(RUNS / f"{datetime.now():%Y-%m-%dT%H-%M}-{name}")


def check_vacant(path: Path) -> None:
    """Stop before `path`, a folder with something in it, is written over."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(
            f"{path} is there already: name another folder by `out`, or go on with that run by `resume=True`."
        )


def open_run(path: Path | str) -> RunFolder:
    """Open a finished or interrupted run.

    Raises
    ------
    RunError
        If there is no run, or one that this version cannot read.
    """
    run = RunFolder(Path(path))
    if not run.config.is_file():
        raise RunError(f"{path} is not a run folder: it has no {run.config.name}. Train one, or name another.")
    try:
        run_format = run.read_config().get("format")
    except (ValueError, AttributeError) as error:
        reason = getattr(error, "reason", error)
        raise RunError(
            f"{run.config} is not a run's settings ({reason}): name another run, or train it again."
        ) from None
    if run_format != FORMAT:
        raise RunError(
            f"{path} is a run of another version: its format is {run_format}, this leukemia_tf "
            f"{__version__} reads format {FORMAT}. Train it again, or use the version that made it."
        )
    return run


def newest_run(root: Path = RUNS) -> RunFolder:
    """Open the newest run below `root` that has a trained model."""
    trained = [folder for folder in root.glob("*") if RunFolder(folder).model.is_file()]
    if not trained:
        raise RunError(f"there is no trained run in {root.resolve()}: train one first, or name one by `run`.")
    return open_run(max(trained, key=lambda folder: RunFolder(folder).model.stat().st_mtime_ns))


def run_or_newest(path: Path | None) -> RunFolder:
    """Open the named run, or the newest where none is named; its model must be there, and the one that was scored."""
    run = newest_run() if path is None else open_run(path)
    if not run.model.is_file():
        command = f"python -m leukemia_tf.train --out {run} --resume"
        raise RunError(f"{run} has no trained model yet: finish it ({command}), or name another run.")
    run.check_files(run.model)
    return run


def network_file(path: Path | None) -> Path:
    """Return a network's file: the named one, that of the named run, or the newest run's where nothing is named."""
    return path if path is not None and path.is_file() else run_or_newest(path).model
