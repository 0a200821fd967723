"""What a folder of cells contains, and what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from leukemia_tf.config import AuditConfig
from leukemia_tf.core.console import quiet_if
from leukemia_tf.core.errors import ArgumentError, DataError
from leukemia_tf.core.files import write_json
from leukemia_tf.data.acquisition import measure_acquisition
from leukemia_tf.data.audit_findings import findings, findings_table
from leukemia_tf.data.catalog import Rejected, write_cells
from leukemia_tf.data.cnmc import check_cnmc_doubles
from leukemia_tf.data.conversion import convert_images
from leukemia_tf.data.patient_groups import NearDuplicate
from leukemia_tf.data.policies import check_policy
from leukemia_tf.data.prepare import find_doubles, log_notes, warn_of_joined
from leukemia_tf.data.reading import read_catalog
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
        converted = _convert(source.folder, config.convert_to) if config.convert_to else frozenset()
        catalog = read_catalog(source.folder, config)
        log_notes(catalog)
        scanned = scan(catalog, unlabelled=True, measure=measure_acquisition)
        near_duplicates = scanned.near_duplicates()
        doubles = find_doubles(catalog, scanned, config.cnmc_doubles)
        report = findings(catalog, scanned, near_duplicates, doubles)
        warn_of_joined(report["shared_patients"], {cell.patient for cell in scanned.cells if cell.label})
        cues, report["acquisition"] = measure_folder(scanned, report["shared_patients"], config.seed)
        figures = _write(config.out, report, source.folder, scanned, near_duplicates)
        figures |= write_acquisition(config.out, cues, report["acquisition"])
        if config.leak:
            report["leak"], figures["leak"] = measure_leak(config, source, scanned.cells, near_duplicates, doubles)
            write_json(config.out / "audit.json", report)
        page = audit_page(report, figures, source.folder, near_duplicates)
        path = write_page(RunFolder(config.out).report, page)
        if scanned.rejected and config.on_bad_image == "quarantine":
            log.warning("the bad images were moved to %s", quarantine(source.folder, scanned.rejected))
        log.info("\nreport: %s", path)
    if config.json:
        log.info("%s", (config.out / "audit.json").read_text(encoding="utf-8"))
    if config.on_bad_image == "fail":
        _check_none_rejected(config, source.folder, [row for row in scanned.rejected if row.path not in converted])
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


def _convert(folder: Path, target: Path) -> frozenset[str]:
    """Write clean PNGs of images that only OpenCV reads; return the paths of those that were converted."""
    done = convert_images(folder, target)
    for path, pages in done.several.items():
        log.warning("%s: it has %d pages, and the first was converted", path, pages)
    for path in done.failed:
        log.warning("%s: it could not be converted", path)
    left = done.images - len(done.written)
    log.info(
        "%d of %d images were converted into %s%s",
        len(done.written),
        done.images,
        target,
        f"; the other {left} are not in there: put the PNGs in the place of their originals" if left else "",
    )
    return frozenset(done.written)


def _check_none_rejected(config: AuditConfig, folder: Path, rejected: Sequence[Rejected]) -> None:
    if not rejected:
        return
    first, more = rejected[0], len(rejected) - 1
    others = f" ({more:,} more are named in {RunFolder(config.out).rejected})" if more else ""
    raise DataError(f"{folder / first.path}: {first.reason}{others}")
