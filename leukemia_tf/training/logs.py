"""What a training leaves to look at beside history.csv: the loss of every batch, and logs for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from leukemia_tf.files import read_csv, write_csv

COLUMNS = ("stage", "epoch", "step", "loss")


def log_epoch(path: Path, tensorboard: Path | None = None) -> Callable[[dict, Sequence[float]], None]:
    """Return a function of an epoch's row of history.csv and the losses of its batches, which writes them down.

    Parameters
    ----------
    path : pathlib.Path
        batches.csv: `stage`, `epoch`, `step`, `loss`; an epoch that is run again replaces what was there.
    tensorboard : pathlib.Path, optional
        Folder of logs.
    """
    if tensorboard:
        from tensorboard.summary import Writer

        writer = Writer(str(tensorboard))

    def note(row: dict, losses: Sequence[float]) -> None:
        before = [old for old in read_csv(path) if int(old["epoch"]) < row["epoch"]] if path.is_file() else []
        told = {"stage": row["stage"], "epoch": row["epoch"]}
        steps = [{**told, "step": step, "loss": f"{loss:.7g}"} for step, loss in enumerate(losses, start=1)]
        write_csv(path, COLUMNS, [*before, *steps])
        if tensorboard:
            for name, value in row.items():
                if isinstance(value, (int, float)) and name != "epoch":
                    writer.add_scalar(name, value, row["epoch"])
            for step, loss in enumerate(losses, start=len(before)):
                writer.add_scalar("batch_loss", loss, step)
            writer.flush()

    return note
