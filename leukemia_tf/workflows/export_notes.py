"""What an exported model says of itself: its dates, its threshold, its test score."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import keras

from leukemia_tf.core.files import read_json
from leukemia_tf.core.version import __version__
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.reporting.summary import details, headline
from leukemia_tf.runs.run_folder import RunFolder

SCORES = ("auroc_by_patient", "auroc")


def model_notes(model: keras.Model, run: RunFolder | None) -> dict[str, Any]:
    """Return what is stored beside a SavedModel for those who use it.

    Parameters
    ----------
    model : keras.Model
        The network.
    run : RunFolder, optional
        Its run; without one there is no score.

    Returns
    -------
    dict
        `exported` and `trained` (ISO 8601), `leukemia_tf` (the version), `threshold`, `temperature`; and of a scored
        run `test`: `headline` and `details` in words, `cautions` (sentences), and each of `SCORES` as `value`, `low`,
        `high` (null where no interval is known).
    """
    calibration = get_calibration(model)
    notes = {
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "leukemia_tf": __version__,
        "threshold": calibration.threshold,
        "temperature": calibration.temperature,
    }
    return notes | (_run_notes(run) if run else {})


def _run_notes(run: RunFolder) -> dict[str, Any]:
    notes = {}
    date = read_json(run.environment).get("date") if run.environment.is_file() else None
    if date:  # earlier versions have not recorded it
        notes["trained"] = date
    if run.metrics.is_file():
        metrics = run.read_metrics()
        test = metrics["parts"]["test"]["cell"]
        notes["test"] = {
            "headline": headline(metrics),
            "details": details(metrics),
            "cautions": cautions(metrics, run.read_config()),
            **{name: test[name] for name in SCORES},
        }
    return notes
