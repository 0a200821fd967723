"""A finished or unfinished run, as a notebook wants it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from leukemia_tf.core.files import read_csv, read_json
from leukemia_tf.core.pictures import Picture, Pictures
from leukemia_tf.runs.open_runs import newest_run, open_run
from leukemia_tf.runs.run_folder import RunFolder

NUMBERS = ("logit", "probability")


class Run:
    """One training and what it left.

    Parameters
    ----------
    path : path-like, optional
        The run's folder; by default the newest below `runs/`.

    Raises
    ------
    RunError
        If the folder is no run, or one of another version.

    Examples
    --------
    >>> run = Run("runs/2026-11-21T10-15-resnet50-cut")  # doctest: +SKIP
    >>> run  # doctest: +SKIP
    Run('runs/2026-11-21T10-15-resnet50-cut'): resnet50-cut, 12 epochs, test AUROC by patient 0.971 [0.933, 1.000]
    >>> pandas.DataFrame(run.history)  # doctest: +SKIP
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.folder: RunFolder = newest_run() if path is None else open_run(Path(path))

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder.path

    @property
    def data(self) -> Path:
        """The folder of the cells that the run was trained on."""
        return self.folder.data

    @cached_property
    def config(self) -> dict[str, Any]:
        """The content of config.json: settings, network, weights, data, stages."""
        return self.folder.read_config()

    @property
    def metrics(self) -> dict[str, Any]:
        """The content of metrics.json; empty until the run is evaluated."""
        return read_json(self.folder.metrics) if self.folder.metrics.is_file() else {}

    @property
    def history(self) -> list[dict[str, Any]]:
        """One record an epoch, from history.csv: `stage`, `epoch`, `loss`, `val_loss`, …; unknown values are None."""
        return [_typed(row) for row in _rows(self.folder.history)]

    @property
    def cells(self) -> list[dict[str, Any]]:
        """One record a cell, from cells.csv: `path`, `label`, `patient`, `sha256`, `split`."""
        return list(_rows(self.folder.cells))

    def predictions(self, part: str = "test") -> list[dict[str, Any]]:
        """Return one record a cell of a part, `val` or `test`: `path`, `patient`, `label`, and so on."""
        rows = _rows(self.folder.predictions(part))
        return [{key: _number(value) if key in NUMBERS else value for key, value in row.items()} for row in rows]

    @property
    def figures(self) -> Pictures:
        """The pictures below `figures/`, sorted by name; a notebook shows them."""
        return Pictures(Picture(path) for path in sorted(self.folder.figures.glob("*.png")))

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __repr__(self) -> str:
        parts = [self.config["network"]["name"], f"{sum(1 for _ in _rows(self.folder.history))} epochs"]
        score = self.metrics.get("parts", {}).get("test", {}).get("cell", {}).get("auroc_by_patient")
        if score and score["value"] is not None:
            interval = f" [{score['low']:.3f}, {score['high']:.3f}]" if score["low"] is not None else " [no interval]"
            parts.append(f"test AUROC by patient {score['value']:.3f}{interval}")
        else:
            parts.append("not evaluated" if self.folder.model.is_file() else "not finished")
        return f"Run({str(self.path)!r}): {', '.join(parts)}"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    yield from read_csv(path) if path.is_file() else ()


def _typed(row: dict[str, str]) -> dict[str, Any]:
    return {key: value if key == "stage" else _number(value) for key, value in row.items()}


def _number(text: str) -> float | int | None:
    if text in ("", "nan"):
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)
