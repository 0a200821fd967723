"""How the pictures of a folder were taken, and whether that alone tells the classes apart."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.core.files import as_json, write_csv
from leukemia_tf.data.scan import Scan
from leukemia_tf.evaluation.acquisition import AcquisitionTable, acquisition_table, compare_acquisition, patient_rows
from leukemia_tf.evaluation.acquisition_lines import acquisition_lines, caution
from leukemia_tf.evaluation.acquisition_plots import draw_acquisition
from leukemia_tf.evaluation.plots import save

log = logging.getLogger("leukemia_tf")


def measure_folder(
    scanned: Scan, same: Sequence[Sequence[str]], seed: int
) -> tuple[AcquisitionTable, dict[str, Any] | None]:
    """Compare the classes by what `measure_acquisition` measured.

    Parameters
    ----------
    scanned : Scan
        With `measured`.
    same : sequence of sequence of str
        Names of one person.
    seed : int
        Of the folds.

    Returns
    -------
    tuple
        The cells' cues, and the content of `acquisition` in audit.json: None without a labelled cell.
    """
    table = acquisition_table(scanned.cells, scanned.measured, same)
    if not table.cells:
        return table, None
    comparison = compare_acquisition(table, seed)
    return table, json.loads(as_json({**comparison, "warning": caution(comparison) or None}))


def write_acquisition(out: Path, table: AcquisitionTable, comparison: Mapping[str, Any] | None) -> dict[str, Figure]:
    """Write acquisition.csv and acquisition.png into a folder, and log the comparison; return the figure by name."""
    if comparison is None:
        return {}
    rows = patient_rows(table)
    write_csv(out / "acquisition.csv", list(rows[0]), ({**row, **_rounded(row)} for row in rows))
    figure = draw_acquisition(rows, comparison)
    save(figure, out / "acquisition.png")
    log.info("\n%s", "\n".join(acquisition_lines(comparison)))
    if comparison["warning"]:
        log.warning("WARNING: %s", comparison["warning"])
    return {"acquisition": figure}


def _rounded(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers of a row as text, empty where they could not be measured."""
    return {name: "" if value != value else f"{value:.5g}" for name, value in row.items() if isinstance(value, float)}
