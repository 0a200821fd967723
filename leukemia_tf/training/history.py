"""What a training did, read from the rows of history.csv: what each stage ran, and which epoch's weights are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]  # of history.csv, its values numbers or their text
Record = Mapping[str, Any]  # of a stage, as config.json holds it


@dataclass(frozen=True)
class StageOutcome:
    """What became of a stage.

    Parameters
    ----------
    record : mapping
        The stage, as config.json holds it.
    planned, run : int
        Its epochs.
    kept : int or None
        Which of them has the weights of the network; None if it is in another stage.
    """

    record: Record
    planned: int
    run: int
    kept: int | None


def stage_table(settings: Mapping[str, Any], history: Sequence[Row]) -> list[StageOutcome]:
    """Return the stages that ran; none for an ensemble.

    Parameters
    ----------
    settings : mapping
        The content of config.json.
    history : sequence of mapping
        Rows of history.csv; an older version's as well.
    """
    if not history:
        return []
    kept, outcomes = kept_row(history), []
    for record, rows in zip(settings["stages"], _rows_by_stage(settings["stages"], history)):
        within = rows.index(kept) + 1 if kept in rows else None
        outcomes.append(StageOutcome(record, record.get("ends") or record["epochs"], len(rows), within))
    return [outcome for outcome in outcomes if outcome.run]


def kept_row(history: Sequence[Row]) -> int:
    """Return the index of the row whose weights the network has; older versions marked each best so far in `best`."""
    column = "kept" if "kept" in history[0] else "best"
    return max(index for index, row in enumerate(history) if int(row[column]))


def kept_epoch(history: Sequence[Row]) -> int:
    """Return the number of the epoch whose weights the network has."""
    return int(history[kept_row(history)]["epoch"])


def kept_text(stages: Sequence[Record], history: Sequence[Row], keep: str) -> str:
    """Return one sentence: which epoch is kept, of which stage, and with `keep` `best` by which `val_loss`."""
    row, last = history[kept_row(history)], history[-1]
    outcome = next(outcome for outcome in stage_table({"stages": stages}, history) if outcome.kept)
    place = f"(stage {row['stage']}, epoch {outcome.kept} of {outcome.planned})"
    epoch = f"epoch {row['epoch']} of {last['epoch']}" if row is not last else f"the last epoch, {row['epoch']}"
    text = f"kept: {epoch} {place}"
    if keep == "last":
        return text
    if "val_loss" not in row:
        return f"{text}; no validation cells to choose the best by"
    text += f", the lowest val_loss {row['val_loss']:.3f}"
    if len({other["image_size"] for other in history}) > 1:
        text += f" at {row['image_size']} pixels"
    return text if row is last else f"{text}; the last epoch's is {last['val_loss']:.3f}"


def epochs_followed(stages: Sequence[Record], history: Sequence[Row], keep: str) -> list[int]:
    """Return how far each stage goes along the way to the kept weights: the epoch from which training went on.

    All its epochs where the last is kept. With `keep` `best` up to its last epoch that was the best so far, 0 if it has
    none: the next stage then started from the weights before it.
    """
    best = _best_so_far(history, keep)
    return [
        max((place for place, index in enumerate(rows, start=1) if best[index]), default=0)
        for rows in _rows_by_stage(stages, history)
    ]


def _rows_by_stage(stages: Sequence[Record], history: Sequence[Row]) -> list[list[int]]:
    return [[index for index, row in enumerate(history) if row["stage"] == stage["name"]] for stage in stages]


def _best_so_far(history: Sequence[Row], keep: str) -> list[bool]:
    if "kept" not in history[0]:
        return [int(row["best"]) == 1 for row in history]
    if keep == "last" or not history[0].get("val_loss"):
        return [True] * len(history)
    best, lowest, size = [], math.inf, None
    for row in history:
        if row["image_size"] != size:
            lowest, size = math.inf, row["image_size"]
        best.append(not math.isfinite(lowest) or float(row["val_loss"]) < lowest)
        lowest = float(row["val_loss"]) if best[-1] else lowest
    return best
