"""What `predict` writes: predictions as CSV or JSON lines, the challenge's submission, and a table of the patients."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.core.files import write_atomically
from leukemia_tf.data.catalog import CODES
from leukemia_tf.evaluation.predictions import UNLIKE, Prediction, as_record, iterate_predictions

JSON_LINES = ".jsonl"


def join_tables(tables: Sequence[Path], out: Path) -> Path:
    """Write tables of predictions as one: as CSV, or as JSON lines if `out` ends in `.jsonl`."""

    def as_csv(path: Path) -> None:
        with path.open("wb") as joined:
            for number, table in enumerate(tables):
                with table.open("rb") as part:
                    if number:
                        part.readline()
                    shutil.copyfileobj(part, joined)

    def as_lines(path: Path) -> None:
        with path.open("w", encoding="utf-8") as joined:
            joined.writelines(json_line(row) + "\n" for table in tables for row in iterate_predictions(table))

    return write_atomically(out, as_lines if out.suffix == JSON_LINES else as_csv)


def json_line(prediction: Prediction) -> str:
    """Return a prediction as one line of JSON, with null for what is unknown."""
    return json.dumps(as_record(prediction), ensure_ascii=False)


def write_submission(path: Path, predictions: Iterable[Prediction]) -> Path:
    """Write a submission to the C-NMC challenge: a line per image, by their numbers, 1 for `all`, 0 for `hem`.

    Raises
    ------
    DataError
        If an image's name is no number, if two have the same number, or if one has no prediction.
    """
    codes = {label: code for code, label in CODES.items()}
    lines: dict[int, str] = {}
    for row in predictions:
        stem = Path(row.path).stem
        if not stem.isdecimal():
            raise DataError(f"{row.path}: `submission` takes only the challenge's images, which are named like 12.bmp.")
        if int(stem) in lines:
            raise DataError(f"{row.path}: another image has this number; name one folder for a `submission`.")
        if row.prediction not in codes:
            raise DataError(f"{row.path}: {row.reason}; a `submission` needs a prediction for every image.")
        lines[int(stem)] = codes[row.prediction]
    text = "".join(f"{lines[number]}\n" for number in sorted(lines))
    return write_atomically(path, lambda scratch: scratch.write_text(text, encoding="utf-8"))


@dataclass
class _Counts:
    """Of one patient: cells that vote, those predicted leukemic, the sum of their probabilities, and other cells."""

    cells: int = 0
    leukemic: int = 0
    total: float = 0.0
    unlike: int = 0
    unreadable: int = 0

    @property
    def vote(self) -> str:
        """The prediction of most cells."""
        if not self.cells:
            return "none"
        return "tie" if 2 * self.leukemic == self.cells else "all" if 2 * self.leukemic > self.cells else "hem"

    @property
    def mean(self) -> str:
        """The mean probability."""
        return f"{self.total / self.cells:.3f}" if self.cells else ""


class PatientTally:
    """Counts predictions per patient, one after the other, in memory that grows only with the patients.

    A cell that is unlike the training cells, or unreadable, does not vote for its patient.

    Parameters
    ----------
    trained : collection of str
        Patients that the network was trained on, marked in the table.
    """

    def __init__(self, trained: Collection[str] = ()) -> None:
        self._counts: dict[str, _Counts] = {}
        self._trained = frozenset(trained)

    def add(self, row: Prediction) -> None:
        """Count a prediction, unless its patient is unknown."""
        if not row.patient:
            return
        counts = self._counts.setdefault(row.patient, _Counts())
        if row.probability is None:
            counts.unreadable += 1
        elif row.status == UNLIKE:
            counts.unlike += 1
        else:
            counts.cells += 1
            counts.leukemic += row.prediction == "all"
            counts.total += row.probability

    def table(self) -> str:
        """Return a line per patient: voting cells, those predicted leukemic, other cells, vote, mean probability."""
        if not self._counts:
            return ""
        wide = max([7, *map(len, self._counts)]) + 2
        lines = [
            f"{'patient':<{wide}}{'voting cells':>12}{'all':>7}{'without a vote':>16}  {'vote':<6}mean probability"
        ]
        for patient, counts in sorted(self._counts.items()):
            numbers = f"{counts.cells:>12}{counts.leukemic:>7}{counts.unlike + counts.unreadable:>16}"
            mark = "  (in training)" if patient in self._trained else ""
            lines.append(f"{patient:<{wide}}{numbers}  {counts.vote:<6}{counts.mean}{mark}")
        return "\n".join([*lines, *self._notes()])

    def _notes(self) -> Iterator[str]:
        """Yield the notes below the table: who did not vote, and who trained the network."""
        unlike, unreadable = (
            sum(getattr(counts, name) for counts in self._counts.values()) for name in ("unlike", "unreadable")
        )
        if unlike + unreadable:
            yield (
                f"\n{unlike + unreadable} of these patients' cells do not vote: "
                f"{unlike} unlike the training cells, {unreadable} unreadable."
            )
        known = len(self._trained & set(self._counts))
        if known:
            yield (
                f"\nThe network was trained on {known} of these {len(self._counts)} patients: on them it is not tested."
            )
