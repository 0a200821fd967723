"""Sensitivity and specificity at other thresholds: a slider, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.evaluation.intervals import per_patient
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays
from leukemia_tf.reporting.blocks import Picture, Slider, Table

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
COLUMNS = ("threshold", "sensitivity over cells", "specificity over cells", "patients who change")


def threshold_slider(predictions: Sequence[Prediction], thresholds: float | np.ndarray, picture: Picture) -> Slider:
    """Return the histogram with a slider.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`.
    thresholds : float or numpy.ndarray
        Of the decision; float [n] where several folds' networks predicted: the slider begins at their median.
    picture : Picture
        The histogram of probabilities.

    Returns
    -------
    Slider
        Its data: `threshold`; `labels` (0 or 1) and `probabilities` of the cells; `patients`, each with `name`,
        `label`, `probability` (the mean) and `called` (whether it is predicted `all` as reported); `names` of the
        labels.
    """
    labels, probabilities, _ = arrays(predictions)
    names, of_patients, means, called = _patients(predictions, thresholds)
    patients = [
        {"name": name, "label": label, "probability": mean, "called": positive}
        for name, label, mean, positive in zip(names.tolist(), of_patients.tolist(), means.tolist(), called.tolist())
    ]
    data = {
        "threshold": float(np.median(thresholds)),
        "labels": labels.tolist(),
        "probabilities": probabilities.tolist(),
        "patients": patients,
        "names": [LABEL_NAMES[label] for label in LABELS],
    }
    return Slider(picture, data)


def threshold_table(predictions: Sequence[Prediction], thresholds: float | np.ndarray) -> Table:
    """Return sensitivity, specificity, and the patients whose label changes, at some other thresholds."""
    labels, probabilities, _ = arrays(predictions)
    names, _, means, called = _patients(predictions, thresholds)
    rows = []
    for threshold in sorted({*THRESHOLDS, float(np.median(thresholds))}):
        positive = probabilities >= threshold
        shares = (_share(positive[labels == 1]), _share(~positive[labels == 0]))
        changed = names[(means >= threshold) != called]
        rows.append([f"{threshold:.3f}", *shares, ", ".join(changed.tolist()) or "none"])
    caption = (
        "Sensitivity and specificity over cells by threshold, and the patients whose label, by the mean probability of "
        "their cells, differs from the reported one."
    )
    return Table("thresholds", caption, COLUMNS, rows)


def _patients(
    predictions: Sequence[Prediction], thresholds: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return names, labels, mean probabilities, and who is predicted `all` as reported."""
    labels, probabilities, patients = arrays(predictions)
    of_patients, means, names = per_patient(labels, probabilities, patients)
    _, limits, _ = per_patient(labels, np.broadcast_to(thresholds, len(labels)), patients)
    return names, of_patients, means, means >= limits


def _share(correct: np.ndarray) -> str:
    return f"{correct.mean():.3f}" if len(correct) else "undefined"
