"""Predictions: one row per image, as CSV files and as arrays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import numpy as np

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import iterate_csv, write_csv
from leukemia_tf.data.catalog import LABELS, Cell
from leukemia_tf.data.patient_groups import groups_by_patient, patient_group_names
from leukemia_tf.data.patient_names import patient_name
from leukemia_tf.models.calibration import Calibration

LABEL_NAMES = {"all": "ALL (leukemic)", "hem": "HEM (normal)"}  # as people are shown them

UNLIKE, UNLIKE_REASON = "unlike-training", "the image is unlike the training cells in size, shape, colours or sharpness"


@dataclass(frozen=True)
class Prediction:
    """A network's prediction for one image: a row of predictions-*.csv.

    A new column is a new field with a default, of type `str` or `float | None`. Files without it still read.
    """

    path: str
    patient: str = ""
    label: str = ""  # the truth; empty if unknown
    logit: float | None = None
    probability: float | None = None  # of `all`
    prediction: str = ""
    status: str = "ok"
    reason: str = ""
    view: str = "none"  # test-time views, over which the logit is the mean


Labelled = TypeVar("Labelled", Prediction, Cell)
COLUMNS = tuple(column.name for column in fields(Prediction))
REQUIRED = ("path", "patient", "label", "logit", "probability", "prediction")  # a default would change the scores
NUMBERS = tuple(name for name, kind in get_type_hints(Prediction).items() if kind == float | None)
DIGITS = {"logit": 9}  # a float32; float64 has 17
REWRITE = "Write the file anew by `python -m leukemia_tf.evaluate`."


def sigmoid(logit: float | np.ndarray) -> np.ndarray:
    """Return the probability of a logit, in float64."""
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


def make_prediction(
    path: str, logit: float, calibration: Calibration, patient: str = "", label: str = ""
) -> Prediction:
    """Return the prediction for a logit."""
    probability = float(sigmoid(logit / calibration.temperature))
    return Prediction(path, patient, label, float(logit), probability, LABELS[probability >= calibration.threshold])


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> Path:
    """Write predictions as CSV."""
    return write_csv(path, COLUMNS, map(as_row, predictions))


def as_row(prediction: Prediction) -> dict[str, Any]:
    """Return a row of the CSV: numbers with all digits, so that scores follow from the file; None as an empty field."""
    row = asdict(prediction)
    for name in NUMBERS:
        row[name] = "" if row[name] is None else f"{row[name]:.{DIGITS.get(name, 17)}g}"
    return row


def as_record(prediction: Prediction) -> dict[str, Any]:
    """Return a record for JSON: as the CSV's row, with None for what is unknown."""
    return {name: None if value in ("", None) else value for name, value in asdict(prediction).items()}


def read_predictions(path: Path) -> list[Prediction]:
    """Read what `write_predictions` wrote, now or in an older version.

    Columns are read by name. A missing column takes its field's default, unless it is in `REQUIRED`; other columns are
    ignored.

    Raises
    ------
    DataError
        If a required column is missing, or a number is not one.
    """
    return list(iterate_predictions(path))


def iterate_predictions(path: Path) -> Iterator[Prediction]:
    """Read what `write_predictions` wrote row by row; see `read_predictions`."""
    for line, row in enumerate(iterate_csv(path), start=2):
        yield _parse(row, f"{path}, line {line}")


def _parse(row: Mapping[str, str | None], where: str) -> Prediction:
    values: dict[str, Any] = {name: row[name] for name in COLUMNS if row.get(name) is not None}  # a line may be short
    missing = [name for name in REQUIRED if name not in values]
    if missing or None in row:  # DictReader's key for what is beyond the header
        problem = f"no {', '.join(missing)}" if missing else "more values than columns"
        raise DataError(f"{where}: {problem}, so this is not a table of predictions ({', '.join(REQUIRED)}). {REWRITE}")
    for name in NUMBERS:
        if name in values:
            values[name] = _parse_number(values[name], f"{where}: {name}")
    values["patient"] = patient_name(values.get("patient", ""))
    return Prediction(**values)


def _parse_number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where} is {text!r}, not a number. {REWRITE}")
    return value


def read_labelled_predictions(path: Path, patients: Collection[str]) -> list[Prediction]:
    """Read predictions to be scored: each needs a label, a logit, a probability, and one of these patients.

    Raises
    ------
    DataError
        At the first row that cannot be scored.
    """
    predictions = read_predictions(path)
    for line, row in enumerate(predictions, start=2):
        problem = _why_unscorable(row, patients)
        if problem:
            raise DataError(f"{path}, line {line}: {problem}. {REWRITE}")
    return predictions


def _why_unscorable(row: Prediction, patients: Collection[str]) -> str:
    if row.label not in LABELS:
        return f"the label is {row.label!r}, not {' or '.join(LABELS)}"
    if row.patient not in patients:
        return f"no such patient as {row.patient!r} in the run"
    if row.probability is None or row.logit is None:
        return "there is no probability"
    return ""


def by_patient_group(predictions: Sequence[Labelled], same: Sequence[Sequence[str]] = ()) -> list[Labelled]:
    """Return predictions with patient groups in place of patients: the unit of intervals and of fits.

    Parameters
    ----------
    predictions : sequence of Prediction or Cell
        With their labels.
    same : sequence of sequence of str
        Names of one person, who becomes a group such as `20+21`. A name under both labels becomes two groups.
    """
    groups = patient_group_names(predictions, groups_by_patient(same)).tolist()
    grouped = [replace(row, patient=group) for row, group in zip(predictions, groups)]
    labels_of: dict[str, set[str]] = {row.patient: set() for row in grouped}
    for row in grouped:
        labels_of[row.patient].add(row.label)
    return [
        replace(row, patient=f"{row.patient} ({row.label})") if len(labels_of[row.patient]) > 1 else row
        for row in grouped
    ]


def round_robin_by_patient(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Return predictions reordered: the first of each patient, then the second of each, and so on."""
    counts: Counter[str] = Counter()
    turns = []
    for row in predictions:
        turns.append(counts[row.patient])
        counts[row.patient] += 1
    return [predictions[index] for index in sorted(range(len(turns)), key=turns.__getitem__)]


def sample_over_patients(predictions: Sequence[Prediction], count: int, seed: int) -> list[Prediction]:
    """Return a random sample, spread over the patients: one of each, then a second of each, and so on."""
    order = np.random.default_rng(seed).permutation(len(predictions))
    return round_robin_by_patient([predictions[index] for index in order])[:count]


def with_probabilities(
    predictions: Sequence[Prediction], probabilities: np.ndarray, thresholds: float | np.ndarray = 0.5
) -> list[Prediction]:
    """Return predictions with other probabilities, float [n] of 0-1, and the logits and labels that follow."""
    clipped = np.clip(probabilities, 1e-7, 1 - 1e-7)
    logits = np.log(clipped / (1 - clipped)).tolist()
    labels = [LABELS[int(positive)] for positive in probabilities >= thresholds]
    changed = zip(predictions, probabilities.tolist(), logits, labels)
    return [replace(row, probability=value, logit=logit, prediction=label) for row, value, logit, label in changed]


def arrays(predictions: Sequence[Prediction]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels (int [n], 1 for `all`), probabilities (float [n]) and patients (str [n])."""
    labels = np.array([LABELS.index(row.label) for row in predictions])
    probabilities = np.array([row.probability for row in predictions])
    return labels, probabilities, np.array([row.patient for row in predictions])
