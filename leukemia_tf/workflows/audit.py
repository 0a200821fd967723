"""What a folder of cells contains, and what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.config import AuditConfig
from leukemia_tf.core.console import quiet_if
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.core.files import free_path, write_atomically, write_json
from leukemia_tf.data.acquisition import measure_acquisition
from leukemia_tf.data.audit_findings import findings, findings_table
from leukemia_tf.data.catalog import Rejected, read_catalog, write_cells
from leukemia_tf.data.cnmc import check_cnmc_doubles
from leukemia_tf.data.integrity import decode_any
from leukemia_tf.data.patient_groups import NearDuplicate
from leukemia_tf.data.policies import check_policy
from leukemia_tf.data.prepare import find_doubles
from leukemia_tf.data.scan import Scan, quarantine, scan, write_rejected
from leukemia_tf.data.source import Source, find_source
from leukemia_tf.evaluation.audit_plots import draw_audit, draw_cells
from leukemia_tf.evaluation.plots import save
from leukemia_tf.reporting.audit_page import audit_page
from leukemia_tf.reporting.page import write_page
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.audit_acquisition import measure_folder, write_acquisition
from leukemia_tf.workflows.audit_leak import measure_leak

log = logging.getLogger("leukemia_tf")


def audit(config: AuditConfig) -> dict[str, Any]:
    """Run the command `audit`; see `leukemia_tf.audit.audit`."""
    source = _find_source(config)
    with quiet_if(config.json):
        log.info("%s", source)
        catalog = read_catalog(source.folder)
        scanned = scan(catalog, unlabelled=True, measure=measure_acquisition)
        near_duplicates = scanned.near_duplicates()
        doubles = find_doubles(catalog, scanned, config.cnmc_doubles)
        report = findings(catalog, scanned, near_duplicates, doubles)
        cues, report["acquisition"] = measure_folder(scanned, report["shared_patients"], config.seed)
        figures = _write(config.out, report, source.folder, scanned, near_duplicates)
        figures |= write_acquisition(config.out, cues, report["acquisition"])
        if config.leak:
            report["leak"], figures["leak"] = measure_leak(config, source, scanned.cells, near_duplicates, doubles)
            write_json(config.out / "audit.json", report)
        page = audit_page(report, figures, source.folder, near_duplicates)
        path = write_page(RunFolder(config.out).report, page)
        _handle_rejected(config, source.folder, scanned.rejected)
        log.info("\nreport: %s", path)
    if config.json:
        log.info("%s", (config.out / "audit.json").read_text(encoding="utf-8"))
    if config.on_bad_image == "fail":
        _check_none_rejected(config, source.folder, scanned.rejected)
    return report


def _find_source(config: AuditConfig) -> Source:
    """Check the settings, and return where the cells are."""
    check_policy(config.on_bad_image)
    check_cnmc_doubles(config.cnmc_doubles)
    source = find_source(config.folder)
    if config.convert_to and config.convert_to.resolve().is_relative_to(source.folder):
        raise ArgumentError("convert_to", config.convert_to, "it lies inside the data folder: name another folder.")
    return source


def _write(
    out: Path, report: dict[str, Any], folder: Path, scanned: Scan, near_duplicates: Sequence[NearDuplicate]
) -> dict[str, Figure]:
    """Write the findings as files, and log them as a table; return the figure for the report, by its name."""
    tables = RunFolder(out)  # whose names an audit's tables have, too
    write_json(out / "audit.json", report)
    write_cells(tables.cells, scanned.cells)
    write_rejected(tables.rejected, scanned.rejected)
    figure = draw_audit(scanned, report)
    save(figure, out / "audit.png")
    save(draw_cells(folder, scanned, near_duplicates), out / "cells.png")
    log.info("%s", findings_table(report))
    return {"audit": figure}


def _handle_rejected(config: AuditConfig, folder: Path, rejected: Sequence[Rejected]) -> None:
    """Convert or quarantine rejected images, if the settings say so."""
    if config.convert_to:
        _convert(folder, rejected, config.convert_to)
    if rejected and config.on_bad_image == "quarantine":
        log.warning("the bad images were moved to %s", quarantine(folder, rejected))


def _convert(folder: Path, rejected: Sequence[Rejected], target: Path) -> None:
    """Write clean PNGs of images that only OpenCV reads, in a tree like the data folder's."""
    converted = 0
    for row in rejected:
        pixels = decode_any((folder / row.path).read_bytes()) if row.convertible else None
        if pixels is not None:
            _write_png(free_path((target / row.path).with_suffix(".png")), pixels)
            converted += 1
    log.info("%d of %d rejected images were converted into %s", converted, len(rejected), target)


def _write_png(path: Path, pixels: np.ndarray) -> None:
    content = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    write_atomically(path, lambda scratch: scratch.write_bytes(content))


def _check_none_rejected(config: AuditConfig, folder: Path, rejected: Sequence[Rejected]) -> None:
    if not rejected:
        return
    first, more = rejected[0], len(rejected) - 1
    others = f" ({more:,} more are named in {RunFolder(config.out).rejected})" if more else ""
    raise DataError(f"{folder / first.path}: {first.reason}{others}")
