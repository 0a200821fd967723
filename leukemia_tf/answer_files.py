"""What `predict` writes: answers as CSV or JSON lines, the challenge's form, and a line a patient."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from leukemia_tf.data.catalog import CODES
from leukemia_tf.errors import DataError
from leukemia_tf.evaluation.predictions import Prediction, as_record, iterate_predictions
from leukemia_tf.files import write_atomically

JSON_LINES = ".jsonl"


def join_tables(tables: Sequence[Path], out: Path) -> Path:
    """Write tables of predictions as one: as CSV, or as JSON lines where `out` ends so."""

    def as_csv(path: Path) -> None:
        with path.open("wb") as joined:
            for number, table in enumerate(tables):
                with table.open("rb") as own:
                    if number:
                        own.readline()
                    shutil.copyfileobj(own, joined)

    def as_lines(path: Path) -> None:
        with path.open("w", encoding="utf-8") as joined:
            joined.writelines(json_line(row) + "\n" for table in tables for row in iterate_predictions(table))

    return write_atomically(out, as_lines if out.suffix == JSON_LINES else as_csv)


def json_line(prediction: Prediction) -> str:
    """Return a prediction as one line of JSON, with null for what is unknown."""
    return json.dumps(as_record(prediction), ensure_ascii=False)


def write_submission(path: Path, predictions: Iterable[Prediction]) -> Path:
    """Write the form of the C-NMC challenge: a line an image, in the order of their numbers, 1 for `all`, 0 for `hem`.

    Raises
    ------
    DataError
        If an image has no number for a name, if two have the same, or if one has no answer.
    """
    codes, said = {label: code for code, label in CODES.items()}, {}
    for row in predictions:
        stem = Path(row.path).stem
        if not stem.isdecimal():
            raise DataError(
                f"{row.path}: --submission takes the challenge's images alone, which are named like 12.bmp."
            )
        if int(stem) in said:
            raise DataError(f"{row.path}: another image has this number; name one folder for a --submission.")
        if row.prediction not in codes:
            raise DataError(f"{row.path}: {row.reason}; a --submission must answer for every image.")
        said[int(stem)] = codes[row.prediction]
    text = "".join(f"{said[number]}\n" for number in sorted(said))
    return write_atomically(path, lambda scratch: scratch.write_text(text, encoding="utf-8"))


class PatientTally:
    """Counts answers a patient, one after the other, in memory that grows with the patients alone."""

    def __init__(self) -> None:
        self._told: dict[str, list[float]] = {}

    def add(self, row: Prediction) -> None:
        """Count one answer; of an image without a patient's name, or without an answer, nothing."""
        if row.patient and row.probability is not None:
            own = self._told.setdefault(row.patient, [0, 0, 0.0])
            for place, value in enumerate((1, row.prediction == "all", row.probability)):
                own[place] += value

    def table(self) -> str:
        """Return a line a patient: cells, how many are said to be leukemic, the vote, the mean probability."""
        wide = max([7, *map(len, self._told)]) + 2
        lines = [f"{'patient':<{wide}}{'cells':>7}{'all':>7}  {'vote':<6}mean probability"]
        for patient, (cells, leukemic, total) in sorted(self._told.items()):
            vote = "tie" if 2 * leukemic == cells else "all" if 2 * leukemic > cells else "hem"
            lines.append(f"{patient:<{wide}}{cells:>7}{leukemic:>7}  {vote:<6}{total / cells:.3f}")
        return "\n".join(lines) if self._told else ""
