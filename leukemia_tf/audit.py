"""`python -m leukemia_tf.audit`: what lies in a folder of cells, and what is wrong with it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import AuditConfig
from leukemia_tf.errors import DataError, UserError

if TYPE_CHECKING:
    from leukemia_tf.data.catalog import Rejected
    from leukemia_tf.data.examine import Examination
    from leukemia_tf.data.splits import Twins

log = logging.getLogger("leukemia_tf")

PROBED_SIZE = 224  # pixels: the reports' view of a cell, whose leak is to be shown


def audit(config: AuditConfig | None = None) -> dict:
    """Examine every image below a folder; write audit.json, cells.csv, rejected.csv and a figure.

    Parameters
    ----------
    config : AuditConfig, optional
        The embedded phantom cells by default.

    Returns
    -------
    dict
        The content of audit.json.

    Raises
    ------
    DataError
        If there are no cells; or, after everything is written, if images cannot be used and `on_bad_image` is `fail`.
    """
    config = config or AuditConfig()
    from leukemia_tf.data.catalog import read_catalog, write_cells
    from leukemia_tf.data.examine import examine, quarantine, write_rejected
    from leukemia_tf.data.findings import findings, table
    from leukemia_tf.data.prepare import check_policy
    from leukemia_tf.data.source import find_source
    from leukemia_tf.evaluation import plots
    from leukemia_tf.evaluation.audit_plots import draw_audit, draw_cells
    from leukemia_tf.files import write_json

    check_policy(config.on_bad_image)
    source = find_source(config.folder)
    if config.convert_to and config.convert_to.resolve().is_relative_to(source.folder):
        raise UserError(f"--convert-to {config.convert_to} lies inside the data folder: name another folder.")
    level = log.level
    if config.json:
        log.setLevel(logging.WARNING)
    log.info("%s", source)
    catalog = read_catalog(source.folder)
    examination = examine(catalog, unlabelled=True)
    twins = examination.twins()
    found = findings(catalog, examination, twins)
    write_json(config.out / "audit.json", found)
    write_cells(config.out / "cells.csv", examination.cells)
    write_rejected(config.out / "rejected.csv", examination.rejected)
    plots.save(draw_audit(examination, found), config.out / "audit.png")
    plots.save(draw_cells(source.folder, examination, twins), config.out / "cells.png")
    log.info("%s", table(found))
    if config.leak:
        found["leak"] = _leak(config, source.folder, source.embedded, examination, twins)
        write_json(config.out / "audit.json", found)
    if config.convert_to:
        _convert(source.folder, examination.rejected, config.convert_to)
    if examination.rejected and config.on_bad_image == "quarantine":
        log.warning("the bad images were moved to %s", quarantine(source.folder, examination.rejected))
    log.info("\nreport: %s", config.out)
    if config.json:
        log.setLevel(level)
        log.info("%s", (config.out / "audit.json").read_text(encoding="utf-8"))
    if examination.rejected and config.on_bad_image == "fail":
        first, more = examination.rejected[0], len(examination.rejected) - 1
        others = f" ({more:,} more are named in {config.out / 'rejected.csv'})" if more else ""
        raise DataError(f"{source.folder / first.path}: {first.reason}{others}")
    return found


def _convert(folder: Path, rejected: tuple[Rejected, ...], target: Path) -> None:
    """Write clean PNGs of what only OpenCV reads, in a tree like the data folder's."""
    import cv2

    from leukemia_tf.data.integrity import decode_any
    from leukemia_tf.files import free_path, write_atomically

    written = 0
    for row in rejected:
        pixels = decode_any((folder / row.path).read_bytes()) if row.convertible else None
        if pixels is not None:
            content = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
            path = free_path((target / row.path).with_suffix(".png"))
            write_atomically(path, lambda scratch, content=content: scratch.write_bytes(content))
            written += 1
    log.info("%d of %d rejected images were converted into %s", written, len(rejected), target)


def _leak(
    config: AuditConfig, folder: Path, embedded: bool, examination: Examination, twins: list[Twins]
) -> dict[str, object]:
    """Judge one cheap classifier under folds by image and under folds by patient."""
    from dataclasses import asdict

    from leukemia_tf.data.folds import FOLDS, draw_folds
    from leukemia_tf.data.pipeline import classes, prediction_batches
    from leukemia_tf.data.settings import Preprocessing
    from leukemia_tf.data.splits import merge_aliases, people
    from leukemia_tf.data.store import open_store
    from leukemia_tf.evaluation import plots
    from leukemia_tf.evaluation.audit_plots import draw_leak
    from leukemia_tf.evaluation.bootstrap import score_with_intervals
    from leukemia_tf.evaluation.probe import out_of_fold
    from leukemia_tf.evaluation.scores import written
    from leukemia_tf.models.pretrained import build_pretrained
    from leukemia_tf.models.table import find_architecture
    from leukemia_tf.training.features import frozen_features

    cells = [cell for cell in examination.cells if cell.label]
    alias, labels = merge_aliases(cells, [pair for pair in twins if pair[0].label and pair[1].label]), classes(cells)
    folds = {by: draw_folds(cells, alias, by, config.seed) for by in ("image", "patient")}
    settings = Preprocessing(PROBED_SIZE, "cell")
    network = build_pretrained(
        find_architecture("resnet50"), 1, asdict(settings), config.weights, config.seed, must=not embedded
    )
    store = open_store(folder, cells, settings)
    features = frozen_features(network.model, network.blocks[-1:], prediction_batches(store, 32))
    patients = people(cells, alias)
    result: dict[str, object] = {
        "classifier": f"logistic regression on pooled features of {network.model.name}",
        "weights": network.loaded.source if network.loaded else "random",
        "folds": FOLDS,
        "seed": config.seed,
        "patients": len(set(patients)),
    }
    for by, drawn in folds.items():
        probabilities = out_of_fold(features, cells, drawn)
        scores = score_with_intervals(labels, probabilities, patients, config.seed)
        result[by] = {name: scores[name] for name in ("auroc", "auroc_by_patient", "weighted_f1")}
    plots.save(draw_leak(result), config.out / "leak.png")
    log.info("\nthe same classifier under %d folds, 95 %% intervals from resampling patients:", FOLDS)
    for by in folds:
        told = (f"{name} {written(score)}" for name, score in result[by].items())
        log.info("  folds by %-8s %s", by, ", ".join(told))
    return result


if __name__ == "__main__":
    run_command("audit", AuditConfig, audit)
