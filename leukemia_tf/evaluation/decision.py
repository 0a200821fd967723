"""How a network decides, and what its temperature changed on the test patients: `decision` in metrics.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import FEWEST, mean_over_patients
from leukemia_tf.evaluation.predictions import Prediction, arrays
from leukemia_tf.models.calibration import Calibration

BETTER, WORSE, CANNOT_BE_TOLD, NOT_CALIBRATED = "better", "worse", "cannot be told", "not calibrated"


def decision_record(calibration: Calibration, test: Sequence[Prediction]) -> dict[str, Any]:
    """Return what metrics.json says of temperature and threshold.

    Parameters
    ----------
    calibration : Calibration
        Of the network.
    test : sequence of Prediction
        Its predictions on the test part, as from `by_patient_group`.

    Returns
    -------
    dict
        `temperature` and `threshold`, each with `_low` and `_high` (its jackknife range; None where nothing was
        fitted); `calibration_verdict` and `log_loss_change` as from `calibration_verdict`; `cautions`.
    """
    verdict, change = calibration_verdict(calibration.temperature, test)
    record: dict[str, Any] = {}
    for name in ("temperature", "threshold"):
        low, high = getattr(calibration, f"{name}_range") or (None, None)
        record |= {name: getattr(calibration, name), f"{name}_low": low, f"{name}_high": high}
    return {
        **record,
        "calibration_verdict": verdict,
        "log_loss_change": change,
        "cautions": list(calibration.cautions),
    }


def calibration_verdict(
    temperature: float, predictions: Sequence[Prediction]
) -> tuple[str, dict[str, float | None] | None]:
    """Return whether a temperature made probabilities better or worse.

    A temperature leaves the order of the cells as it is, so a change of the log loss is a change of calibration alone.

    Parameters
    ----------
    temperature : float
        1: not calibrated.
    predictions : sequence of Prediction
        As from `by_patient_group`.

    Returns
    -------
    tuple of str and dict or None
        `better`, `worse`, `cannot be told` or `not calibrated`; and the mean over patients of the paired change of the
        log loss, with its 95 % interval (below 0 is better). It cannot be told where the interval holds 0, and with
        fewer than five patients of a class.
    """
    if temperature == 1:
        return NOT_CALIBRATED, None
    labels, _, patients = arrays(predictions)
    logits = np.array([row.logit for row in predictions])
    losses = log_losses(labels, logits / temperature) - log_losses(labels, logits)
    change = mean_over_patients(losses, labels, patients)
    value, low, high = change["value"], change["low"], change["high"]
    fewest = min(len(np.unique(patients[labels == label])) for label in range(len(LABELS)))
    if fewest < FEWEST or not np.isfinite(high - low):
        return CANNOT_BE_TOLD, {"value": value, "low": None, "high": None}
    verdict = BETTER if high < 0 else WORSE if low > 0 else CANNOT_BE_TOLD
    return verdict, {"value": value, "low": low, "high": high}


def log_losses(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Return each cell's log loss: int [n], float [n] -> float [n]."""
    return np.logaddexp(0, np.where(labels == 1, -1.0, 1.0) * logits)
