"""Whether a network looks at the cell: its scores on altered test cells."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from leukemia_tf.config import StressConfig
from leukemia_tf.core.console import progress_bar, quiet_if
from leukemia_tf.core.files import as_json, read_json, write_json
from leukemia_tf.data.alterations import ALTERATIONS, Amounts, measure
from leukemia_tf.data.catalog import LABELS
from leukemia_tf.data.image_statistics import IMAGE_STATISTICS
from leukemia_tf.evaluation.plots import save
from leukemia_tf.evaluation.predictions import Prediction, arrays, sample_over_patients, sigmoid
from leukemia_tf.evaluation.stress_plot import draw_stress
from leukemia_tf.evaluation.stress_scores import between_patients, stress_scores, table_text, verdict
from leukemia_tf.evaluation.tta import check_tta
from leukemia_tf.inference.altered_cells import altered_logits
from leukemia_tf.models.network import load_network
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.reporting.page import write_page
from leukemia_tf.reporting.report import write_report
from leukemia_tf.reporting.stress_section import sample_text, stress_page
from leukemia_tf.reporting.wrong_cells import measure_cells
from leukemia_tf.runs.run_folder import Folder, RunFolder
from leukemia_tf.training.settings import check_count
from leukemia_tf.workflows.crossval_page import write_crossval_report
from leukemia_tf.workflows.stress_subject import Subject, open_subject

log = logging.getLogger("leukemia_tf")


def stress(config: StressConfig) -> dict[str, Any]:
    """Run the command `stress`; see `leukemia_tf.stress.stress`."""
    check_count("cells", config.cells, 2)
    check_tta(config.tta)
    subject = open_subject(config.run, config.data)
    with quiet_if(config.json):
        result = _stress(subject, config)
        _write(subject, config, result)
    _show(subject, config, result)
    return result


def _stress(subject: Subject, config: StressConfig) -> dict[str, Any]:
    """Return the content of stress.json."""
    patients = len({row.patient for row in subject.predictions})
    sample = sample_over_patients(subject.predictions, max(config.cells, patients), config.seed)
    amounts = _measure(subject, sample)
    result = _describe(subject, sample, config, amounts)
    probabilities, thresholds, unlike = _predict(subject, sample, amounts, config.tta, result["networks"])
    labels, _, groups = arrays(sample)
    result |= stress_scores(labels, probabilities, groups, thresholds, unlike)
    return {**result, "verdict": verdict(result)}


def _measure(subject: Subject, sample: Sequence[Prediction]) -> Amounts:
    """Read and check the cells, and return how far they are altered."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        measured = np.array(list(pool.map(lambda row: measure(subject.read(row.path)), sample)))
    labels, _, patients = arrays(sample)
    known = np.isfinite(measured).all(1)
    areas, greys, stains = measured[known].T
    spread = partial(between_patients, labels=labels[known], patients=patients[known])
    return Amounts(float(np.median(areas)), spread(greys), spread(stains))


def _describe(subject: Subject, sample: Sequence[Prediction], config: StressConfig, amounts: Amounts) -> dict[str, Any]:
    """Return what stress.json says before the scores."""
    metrics = read_json(subject.folder.metrics)
    return {
        "run": str(subject.folder),
        "protocol": metrics["protocol"],
        **({"caution": metrics["caution"]} if "caution" in metrics else {}),
        "cells": len(sample),
        "tested_cells": len(subject.predictions),
        "patients": {label: len({row.patient for row in sample if row.label == label}) for label in LABELS},
        "seed": config.seed,
        "tta": config.tta,
        "amounts": asdict(amounts),
        "networks": [],
    }


def _predict(
    subject: Subject, sample: Sequence[Prediction], amounts: Amounts, tta: str, networks: list[dict[str, Any]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities, float [1 + alterations, n], thresholds, float [n], and what is out of distribution.

    What each network decides by is added to `networks`.
    """
    probabilities = np.full((1 + len(ALTERATIONS), len(sample)), np.nan)
    thresholds, unlike = np.full(len(sample), np.nan), np.zeros(probabilities.shape, bool)
    with progress_bar(total=len(sample), title="altering cells", unit="cell") as bar:
        for name, run in {str(run): run for run in subject.runs.values()}.items():
            places = [place for place, row in enumerate(sample) if str(subject.runs[row.path]) == name]
            model = load_network(run.model)
            calibration, its = get_calibration(model), replace(amounts, area=_typical_area(model) or amounts.area)
            cells = [partial(subject.read, sample[place].path) for place in places]
            for place, (logits, far) in zip(places, altered_logits(model, cells, its, tta)):
                probabilities[:, place], unlike[:, place] = sigmoid(logits / calibration.temperature), far
                bar.update()
            thresholds[places] = calibration.threshold
            decision = {"temperature": calibration.temperature, "threshold": calibration.threshold, "area": its.area}
            networks.append({"run": run.path.name, "cells": len(places), **decision})
    return probabilities, thresholds, unlike


def _typical_area(model: keras.Model) -> float | None:
    """Return the typical area of a network's training cells in pixels, if it stores their distribution."""
    distribution = get_calibration(model).out_of_distribution
    return float(np.exp(distribution.centre[IMAGE_STATISTICS.index("area")])) if distribution else None


def _write(subject: Subject, config: StressConfig, result: Mapping[str, Any]) -> None:
    """Write stress.json and its figure into the folder and into `out`, with a report there, and the folder's report."""
    figure = draw_stress(result)
    for folder in _folders(subject, config):
        save(figure, folder.figure("stress"))
        write_json(folder.stress, result)
    if config.out:
        write_page(RunFolder(config.out).report, stress_page(result, subject.folder.path.resolve().name))
    if isinstance(subject.folder, RunFolder):
        _write_report(subject.folder, subject)
    else:
        write_crossval_report(subject.folder, folder=subject.data)


def _folders(subject: Subject, config: StressConfig) -> list[Folder]:
    return [subject.folder, *([RunFolder(config.out)] if config.out else [])]


def _write_report(run: RunFolder, subject: Subject) -> None:
    areas = measure_cells(subject.predictions, subject.data)["area"]
    write_report(run, run.read_metrics(), subject.predictions, areas, load_network(run.model), subject.data)


def _show(subject: Subject, config: StressConfig, result: Mapping[str, Any]) -> None:
    if config.json:
        log.info("%s", as_json(result))
        return
    folder = _folders(subject, config)[-1]
    log.info("\n%s\n\n%s", sample_text(result), table_text(result))
    log.info("\nreport: %s; beside it %s and %s", folder.report, folder.stress.name, folder.figure("stress").name)
