"""Temperature and threshold fitted again: what that changes, with the former network kept beside the new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.datasets import classes
from leukemia_tf.evaluation.intervals import paired_difference
from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.predictions import by_patient_group, sigmoid
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.models.calibration import Calibration

SHOWN = ("sensitivity", "specificity")


def change_record(
    former: Calibration,
    new: Calibration,
    cells: Mapping[str, Sequence[Cell]],
    logits: Mapping[str, np.ndarray],
    groups: Sequence[Sequence[str]],
) -> dict[str, Any]:
    """Return what another temperature and threshold change, as `before` in metrics.json.

    Parameters
    ----------
    former, new : Calibration
        Of one network.
    cells, logits : mapping
        By part; float [n].
    groups : sequence of sequence of str
        Names of one patient.

    Returns
    -------
    dict
        The former `temperature` and `threshold`; `parts`, with sensitivity and specificity by `former` and by `new`,
        and their paired `change` with its 95 % interval.
    """
    return {
        "temperature": former.temperature,
        "threshold": former.threshold,
        "parts": {part: _changes(former, new, cells[part], logits[part], groups) for part in logits},
    }


def _changes(
    former: Calibration,
    new: Calibration,
    cells: Sequence[Cell],
    logits: np.ndarray,
    groups: Sequence[Sequence[str]],
) -> dict[str, Any]:
    labels, patients = classes(cells), np.array([cell.patient for cell in by_patient_group(cells, groups)])
    before, after = (sigmoid(logits / calibration.temperature) for calibration in (former, new))
    thresholds = (new.threshold, former.threshold)
    change = paired_difference(labels, after, before, patients, thresholds=thresholds)
    scores = (
        all_metrics(labels, before, patients, threshold=former.threshold),
        all_metrics(labels, after, patients, threshold=new.threshold),
    )
    values = {name: [float(score[name][0]) for score in scores] for name in SHOWN}
    return {name: {"former": values[name][0], "new": values[name][1], "change": change[name]} for name in SHOWN}


def change_table(before: Mapping[str, Any], decision: Mapping[str, Any], run: Path) -> str:
    """Return the former and the new decision as text, and where the former network is.

    Parameters
    ----------
    before, decision : mapping
        As in metrics.json.
    run : pathlib.Path
        The run's folder.
    """
    lines = [f"{'':<24}{'before':>8}{'now':>8}  change"]
    lines += [f"{name:<24}{before[name]:>8.3f}{decision[name]:>8.3f}" for name in ("temperature", "threshold")]
    for part, rows in before["parts"].items():
        lines += [
            f"{f'{METRICS[name].title}, {part}':<24}{row['former']:>8.3f}{row['new']:>8.3f}  "
            f"{format_score(row['change'], '+')}"
            for name, row in rows.items()
        ]
    return "\n".join([*lines, f"the former network and its scores: {run / before['folder']}"])
