"""Which run, on which cells, by which version: what identifies the numbers of a report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from leukemia_tf.data.catalog import Cell
from leukemia_tf.runs.run_folder import RunFolder

DIGITS = 12  # of a hash that is shown
DATE = "%Y-%m-%d %H:%M UTC"


def run_id(run: RunFolder) -> str:
    """Return a run's folder name and the start of the hash of its settings and cells.

    The hash is that of `cat config.json cells.csv | sha256sum` in the run folder.
    """
    content = run.config.read_bytes() + run.cells.read_bytes()
    return f"{run.path.resolve().name} ({hashlib.sha256(content).hexdigest()[:DIGITS]})"


def data_fingerprint(cells: Iterable[Cell]) -> str:
    """Return the start of a hash of which pictures are in which part, whatever their files and patients are called.

    It is the SHA-256 of the lines `SHA256 SPLIT` of cells.csv, one a cell, sorted.
    """
    lines = sorted(f"{cell.sha256} {cell.split}\n" for cell in cells)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:DIGITS]


def provenance(run: RunFolder, cells: Iterable[Cell], environment: Mapping[str, Any]) -> dict[str, str]:
    """Return the dates, run id, data fingerprint and version, by what they are called."""
    trained = environment.get("date")  # earlier versions have not recorded it
    return {
        "Run": run_id(run),
        **({"Trained": f"{datetime.fromisoformat(trained).astimezone(UTC):{DATE}}"} if trained else {}),
        "Report written": f"{datetime.now(UTC):{DATE}}",
        "Data fingerprint": data_fingerprint(cells),
        "leukemia_tf": version_text(environment),
    }


def version_text(environment: Mapping[str, Any]) -> str:
    """Return the version, and the commit, with which a run was trained."""
    return f"{environment['leukemia_tf']}, commit {environment['commit'] or 'unknown'}"
