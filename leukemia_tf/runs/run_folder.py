"""The run folder: the only place that knows the file names of a run."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from leukemia_tf.config.upgrade import upgraded
from leukemia_tf.core.errors import DamagedFileError, RunError
from leukemia_tf.core.files import SCRATCH, as_json, read_csv, read_json, read_record, write_json
from leukemia_tf.core.version import __version__
from leukemia_tf.runs.belonging import check_belonging, file_hashes

FORMAT = 5  # of the run folder; raise it when an older folder can no longer be read
CONFIG, ENVIRONMENT, REJECTED = "config.json", "environment.json", "rejected.csv"
BEFORE = "before-"  # how the folder of a former network and its scores begins


class Folder:
    """What the folder of a run and that of a study share.

    Parameters
    ----------
    path : pathlib.Path
        The folder.
    config : str
        The name of its file of settings.
    """

    def __init__(self, path: Path, config: str) -> None:
        self.path = Path(path)
        self.config = self.path / config
        self.metrics = self.path / "metrics.json"
        self.stress = self.path / "stress.json"
        self.report = self.path / "report.html"
        self.figures = self.path / "figures"

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)

    def predictions(self, name: str) -> Path:
        """Return the path of the predictions on a part, such as `val` or `test`."""
        return self.path / f"predictions-{name}.csv"

    def figure(self, name: str) -> Path:
        """Return the path of a figure."""
        return self.figures / f"{name}.png"

    def read_config(self) -> dict[str, Any]:
        """Return the settings and what they were resolved to; those of an earlier version in the words of this one."""
        return upgraded(read_json(self.config))


class RunFolder(Folder):
    """One training with everything it made.

    Parameters
    ----------
    path : pathlib.Path
        The folder; see `open_run`, `newest_run` and `new_run_path`.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, CONFIG)
        self.environment = self.path / ENVIRONMENT
        self.cells = self.path / "cells.csv"
        self.fingerprints = self.path / "fingerprints.npz"
        self.patients = self.path / "patients.csv"
        self.rejected = self.path / REJECTED
        self.splits = self.path / "splits.json"
        self.summary = self.path / "summary.txt"
        self.seconds = self.path / "seconds.json"
        self.history = self.path / "history.csv"
        self.batches = self.path / "batches.csv"
        self.checkpoints = self.path / "checkpoints"
        self.out_of_fold = self.checkpoints / "out-of-fold.npy"
        self.tensorboard = self.path / "tensorboard"
        self.model = self.path / "model.keras"
        self.card = self.path / "MODEL_CARD.md"
        self.explain_check = self.path / "explain-check" / "explain-check.json"

    def external(self, name: str) -> RunFolder:
        """Return the folder for the scores on external cells."""
        return RunFolder(self.path / f"on-{name}")

    def stopped_before_config(self) -> bool:
        """Return whether the folder holds some of the files that a run writes before its settings, and nothing else."""
        if not self.path.is_dir():
            return False
        before = (
            self.environment,
            self.splits,
            self.cells,
            self.fingerprints,
            self.patients,
            self.rejected,
            self.summary,
        )
        first = {path.name for path in before}
        names = {path.name for path in self.path.iterdir() if not path.name.startswith(SCRATCH)}
        return self.environment.name in names and names <= first

    def keep_former(self) -> Path:
        """Copy the network and metrics.json into a new folder `before-TIME`, which is there whole or not at all."""
        scratch = Path(tempfile.mkdtemp(dir=self.path, prefix=SCRATCH))
        try:
            for file in (self.model, self.metrics):
                shutil.copy2(file, scratch)
            scratch.chmod(0o755)
            return scratch.rename(free_folder(self.path / f"{BEFORE}{datetime.now():%Y-%m-%dT%H-%M-%S}"))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def read_seconds(self) -> dict[str, float]:
        """Return where the time of the training went; nothing of an ensemble, or of a run of an earlier version."""
        return read_json(self.seconds) if self.seconds.is_file() else {}

    def former(self) -> list[Path]:
        """Return the folders of `keep_former`, the oldest first."""
        return sorted(self.path.glob(f"{BEFORE}*"))

    @property
    def data(self) -> Path:
        """The folder of the cells that the run was trained on."""
        return Path(self.read_config()["data"]["folder"])

    def write_config(self, **values: Any) -> None:
        """Write config.json, its format number first, and the hashes of the files that were written before it."""
        files = file_hashes((self.environment, self.splits, self.cells, self.patients))
        write_json(self.config, {"format": FORMAT, "version": __version__, **values, "files": files})

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write metrics.json, with the hashes of the network that was scored, its history and its predictions."""
        write_json(self.metrics, {**metrics, "files": file_hashes(self._scored())})

    def _scored(self) -> tuple[Path, ...]:
        """Return the files whose hashes metrics.json holds."""
        return (self.model, self.history, self.predictions("val"), self.predictions("test"))

    def has_metrics(self, metrics: Mapping[str, Any]) -> bool:
        """Return whether metrics.json holds these scores."""
        try:
            held = self.read_metrics()
        except (RunError, OSError):
            return False
        return {**held, "files": None} == {**json.loads(as_json(metrics)), "files": None}

    def read_metrics(self) -> dict[str, Any]:
        """Return the content of metrics.json.

        Raises
        ------
        RunError
            If it is not a run's scores.
        """
        try:
            metrics = read_record(self.metrics)
            if not {"parts", "decision"} <= metrics.keys():
                raise DamagedFileError(self.metrics, "it has no scores")
        except DamagedFileError as error:
            raise RunError(
                f"{self.metrics} is damaged, or another file ({error.reason}): delete it and evaluate the run again."
            ) from None
        return metrics

    def read_history(self) -> list[dict[str, str]]:
        """Return the rows of history.csv.

        Raises
        ------
        DamagedFileError
            If it is no such table.
        """
        return read_csv(self.history, ("stage",))

    def check_files(self, *paths: Path) -> None:
        """Stop unless these files are there, and are this run's; see `check_belonging`.

        Parameters
        ----------
        *paths : pathlib.Path
            Some of the run's own, such as `run.cells`.

        Raises
        ------
        RunError
            At the first that is not.
        """
        scored = [path for path in paths if path in self._scored()]
        first = [path for path in paths if path not in scored]
        check_belonging(self.config, self.read_config().get("files", {}), first, "train the run again")
        metrics = self.read_metrics() if scored and self.metrics.is_file() else {}
        mend = f"delete {self.metrics.name} and evaluate the run again"
        check_belonging(self.metrics, metrics.get("files", {}), scored, mend)


def free_folder(path: Path) -> Path:
    """Return `path`, or one with a number that is free."""
    stem, number = path.name, 1
    while path.exists():
        number += 1
        path = path.with_name(f"{stem}-{number}")
    return path
