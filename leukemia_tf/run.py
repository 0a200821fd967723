"""The run folder: the only place that knows the file names of a run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import leukemia_tf
from leukemia_tf.errors import RunError
from leukemia_tf.files import SCRATCH, read_json, write_json

FORMAT = 5  # of the run folder; raise it when an older folder can no longer be read
RUNS = Path("runs")
HEAT_MAPS = (
    *("gradcam", "gradcam++", "hirescam", "layercam", "xgradcam", "eigencam", "scorecam"),
    *("occlusion", "integrated-gradients", "smoothgrad"),
)
EXPLANATIONS = (*HEAT_MAPS, "activations", "preview")  # pictures that may stand beside the images that they explain


class Folder:
    """What a run's folder and that of several runs have alike.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    config : str
        The name of the file that says what was asked for.
    """

    def __init__(self, path: Path, config: str) -> None:
        self.path = Path(path)
        self.config = self.path / config
        self.metrics = self.path / "metrics.json"
        self.figures = self.path / "figures"

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def predictions(self, name: str) -> Path:
        """Return the path of the predictions on a part, such as `val` or `test`."""
        return self.path / f"predictions-{name}.csv"

    def figure(self, name: str) -> Path:
        """Return the path of a picture."""
        return self.figures / f"{name}.png"

    def read_config(self) -> dict:
        """Return what was asked for and what came of it."""
        return read_json(self.config)


class RunFolder(Folder):
    """One training with everything it made.

    Parameters
    ----------
    path : pathlib.Path
        The folder; see `create`, `open_run` and `newest_run`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "config.json")
        self.environment = self.path / "environment.json"
        self.cells = self.path / "cells.csv"
        self.rejected = self.path / "rejected.csv"
        self.splits = self.path / "splits.json"
        self.history = self.path / "history.csv"
        self.batches = self.path / "batches.csv"
        self.checkpoints = self.path / "checkpoints"
        self.tensorboard = self.path / "tensorboard"
        self.model = self.path / "model.keras"
        self.report = self.path / "report.html"
        self.card = self.path / "MODEL_CARD.md"

    def elsewhere(self, name: str) -> RunFolder:
        """Return where the scores on cells from elsewhere go."""
        return RunFolder(self.path / f"on-{name}")

    def only_begun(self) -> bool:
        """Return whether the folder holds no more than what a run writes before its settings, the first of it too."""
        if not self.path.is_dir():
            return False
        begun = {self.environment.name, self.splits.name, self.cells.name, self.rejected.name}
        found = {path.name for path in self.path.iterdir() if not path.name.startswith(SCRATCH)}
        return self.environment.name in found and found <= begun

    @property
    def data(self) -> Path:
        """The folder of the cells that the run was trained on."""
        return Path(self.read_config()["data"]["folder"])

    def write_config(self, **values: object) -> None:
        """Write config.json, its format number first."""
        write_json(self.config, {"format": FORMAT, "version": leukemia_tf.__version__, **values})


def explanation(image: Path, kind: str) -> Path:
    """Return where a picture that explains `image` goes when nobody says: beside it."""
    return image.with_name(f"{image.stem}-{kind}.png")


def is_explanation(path: Path) -> bool:
    """Return whether a picture was written beside an image to explain it."""
    return path.name.endswith(tuple(f"-{kind}.png" for kind in EXPLANATIONS))


def new_run_path(name: str) -> Path:
    """Return a path below `runs/` that says when and what, and that is not taken."""
    stem = f"{datetime.now():%Y-%m-%dT%H-%M}-{name}"
    path, number = RUNS / stem, 1
    while path.exists():
        number += 1
        path = RUNS / f"{stem}-{number}"
    return path


def check_vacant(path: Path) -> None:
    """Stop before `path`, a folder with something in it, is written over."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path} is there already: name another folder with --out, or go on with that run by --resume.")


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
        found = run.read_config().get("format")
    except (ValueError, AttributeError) as error:
        raise RunError(
            f"{run.config} is not a run's settings ({error}): name another run, or train it again."
        ) from None
    if found != FORMAT:
        raise RunError(
            f"{path} is a run of another version: its format is {found}, this leukemia_tf "
            f"{leukemia_tf.__version__} reads format {FORMAT}. Train it again, or use the version that made it."
        )
    return run


def newest_run(root: Path = RUNS) -> RunFolder:
    """Open the newest run below `root` that has a trained model."""
    trained = [folder for folder in root.glob("*") if RunFolder(folder).model.is_file()]
    if not trained:
        raise RunError(f"there is no trained run in {root.resolve()}: train one first, or name one with --run.")
    return open_run(max(trained, key=lambda folder: RunFolder(folder).model.stat().st_mtime_ns))


def run_or_newest(path: Path | None) -> RunFolder:
    """Open the named run, or the newest where none is named; its model must be there."""
    if path is None:
        return newest_run()
    run = open_run(path)
    if not run.model.is_file():
        raise RunError(f"{path} has no trained model yet: finish it with --resume, or name another run.")
    return run


def network_file(path: Path | None) -> Path:
    """Return a network's file: the named one, that of the named run, or the newest run's where nothing is named."""
    return path if path is not None and path.is_file() else run_or_newest(path).model


def environment() -> dict[str, object]:
    """Return the versions, machine and commit that a run was made with."""
    packages = ("tensorflow", "keras", "numpy", "scikit-learn", "opencv-python")
    return {
        "leukemia_tf": leukemia_tf.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in packages},
        "command": sys.argv,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    folder = Path(__file__).resolve().parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
