"""Logs beside history.csv: the loss of every batch, and files for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tensorboard.summary import Writer

from leukemia_tf.core.files import read_csv, write_csv

COLUMNS = ("stage", "epoch", "step", "loss")


def epoch_logger(path: Path, tensorboard: Path | None = None) -> Callable[[dict[str, Any], Sequence[float]], None]:
    """Return a function that writes an epoch's row of history.csv and the losses of its batches into logs.

    Parameters
    ----------
    path : pathlib.Path
        batches.csv: `stage`, `epoch`, `step`, `loss`; an epoch that is run again replaces its former rows.
    tensorboard : pathlib.Path, optional
        Folder of logs.
    """
    if tensorboard:
        writer = Writer(str(tensorboard))

    def write(row: dict[str, Any], losses: Sequence[float]) -> None:
        before = [old for old in read_csv(path) if int(old["epoch"]) < row["epoch"]] if path.is_file() else []
        epoch = {"stage": row["stage"], "epoch": row["epoch"]}
        rows: list[dict[str, Any]] = [*before]
        rows += [{**epoch, "step": step, "loss": f"{loss:.7g}"} for step, loss in enumerate(losses, start=1)]
        write_csv(path, COLUMNS, rows)
        if tensorboard:
            for name, value in row.items():
                if isinstance(value, (int, float)) and name != "epoch":
                    writer.add_scalar(name, value, row["epoch"])
            for step, loss in enumerate(losses, start=len(before)):
                writer.add_scalar("batch_loss", loss, step)
            writer.flush()

    return write
