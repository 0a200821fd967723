"""Predictions: one row an image, as files and as arrays."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import LABELS
from leukemia_tf.data.splits import aliases, people
from leukemia_tf.errors import DataError
from leukemia_tf.files import iterate_csv, write_csv
from leukemia_tf.models.decision import Decision


@dataclass(frozen=True)
class Prediction:
    """What a network says of one image; a row of predictions-*.csv."""

    path: str
    patient: str = ""
    label: str = ""  # the truth; empty if unknown
    logit: float | None = None
    probability: float | None = None  # of `all`
    prediction: str = ""
    status: str = "ok"
    reason: str = ""
    view: str = "none"  # which test-time views the logit is the mean of


UNLIKE, UNLIKE_REASON = "unlike-training", "the image is unlike the training cells in size, shape, colours or sharpness"
COLUMNS = tuple(column.name for column in fields(Prediction))


def sigmoid(logit: float | np.ndarray) -> float | np.ndarray:
    """Return the probability of a logit, in float64."""
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


def answer(path: str, logit: float, decision: Decision, patient: str = "", label: str = "") -> Prediction:
    """Return the prediction that a logit makes."""
    probability = float(sigmoid(logit / decision.temperature))
    return Prediction(path, patient, label, float(logit), probability, LABELS[probability >= decision.threshold])


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> Path:
    """Write predictions as CSV."""
    return write_csv(path, COLUMNS, map(as_row, predictions))


def as_row(prediction: Prediction) -> dict[str, object]:
    """Return a row of the CSV: numbers to the last digit, so that scores follow from the file; unknown ones empty."""
    row = asdict(prediction)
    for name, digits in (("logit", 9), ("probability", 17)):
        row[name] = "" if row[name] is None else f"{row[name]:.{digits}g}"
    return row


def as_record(prediction: Prediction) -> dict[str, object]:
    """Return a line of JSON: as the CSV's row, with null for what is unknown."""
    return {name: None if value in ("", None) else value for name, value in asdict(prediction).items()}


def read_predictions(path: Path) -> list[Prediction]:
    """Read what `write_predictions` wrote.

    Raises
    ------
    DataError
        If it is another table, or a number in it is none.
    """
    return list(iterate_predictions(path))


def iterate_predictions(path: Path) -> Iterator[Prediction]:
    """Read what `write_predictions` wrote row by row; see `read_predictions`."""
    for line, row in enumerate(iterate_csv(path), start=2):
        if not set(COLUMNS[:-1]) <= set(row) <= set(COLUMNS):
            raise DataError(f"{path} is no table of predictions: its columns must be {', '.join(COLUMNS)}.")
        for name in ("logit", "probability"):
            row[name] = _number(row[name], f"{path}, line {line}: {name}") if row[name] else None
        yield Prediction(**row)


def read_judged(path: Path, patients: Collection[str]) -> list[Prediction]:
    """Read predictions that are to be scored: each with a label, a probability, and one of these patients.

    Raises
    ------
    DataError
        At the first row that cannot be scored.
    """
    rows = read_predictions(path)
    for line, row in enumerate(rows, start=2):
        wrong = {
            f"the label is {row.label!r}, not {' or '.join(LABELS)}": row.label not in LABELS,
            f"no such patient as {row.patient!r} in the run": row.patient not in patients,
            "there is no probability": row.probability is None or row.logit is None,
        }
        for problem in (sentence for sentence, found in wrong.items() if found):
            raise DataError(f"{path}, line {line}: {problem}. Write the file anew by `python -m leukemia_tf.evaluate`.")
    return rows


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where} is {text!r}, not a number: write the file anew by `python -m leukemia_tf.evaluate`.")
    return value


def by_person(predictions: Sequence[Prediction], same: Sequence[Sequence[str]] = ()) -> list[Prediction]:
    """Return predictions whose patients are people, as intervals need them.

    Parameters
    ----------
    predictions : sequence of Prediction
        With their labels.
    same : sequence of sequence of str
        Names of one person: they become one, such as `20+21`. A name that stands under both labels is two people.
    """
    rows = [replace(row, patient=str(who)) for row, who in zip(predictions, people(predictions, aliases(same)))]
    under = {(row.patient, row.label) for row in rows}
    both = {name for name, label in under if (name, LABELS[label == LABELS[0]]) in under}
    return [replace(row, patient=f"{row.patient} ({row.label})") if row.patient in both else row for row in rows]


def in_turns(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Return predictions, first the first of each patient, then each one's second, and so on."""
    taken: Counter[str] = Counter()
    turns = []
    for row in predictions:
        turns.append(taken[row.patient])
        taken[row.patient] += 1
    return [predictions[place] for place in sorted(range(len(turns)), key=turns.__getitem__)]


def said_anew(
    predictions: Sequence[Prediction], probabilities: np.ndarray, thresholds: float | np.ndarray = 0.5
) -> list[Prediction]:
    """Return predictions with other probabilities, float [n] of 0-1, and the logits and answers that belong to them."""
    inner = np.clip(probabilities, 1e-7, 1 - 1e-7)
    logits = np.log(inner / (1 - inner)).tolist()
    said = [LABELS[int(answer)] for answer in probabilities >= thresholds]
    told = zip(predictions, probabilities.tolist(), logits, said)
    return [replace(row, probability=value, logit=logit, prediction=label) for row, value, logit, label in told]


def arrays(predictions: Sequence[Prediction]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels (int [n], 1 for `all`), probabilities (float [n]) and patients (str [n])."""
    labels = np.array([LABELS.index(prediction.label) for prediction in predictions])
    probabilities = np.array([prediction.probability for prediction in predictions])
    return labels, probabilities, np.array([prediction.patient for prediction in predictions])
