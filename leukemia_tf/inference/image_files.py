"""Predictions of many image files, piece by piece: bounded memory, optionally in parallel, and resumable."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from leukemia_tf.config import EngineConfig
from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import DamagedFileError
from leukemia_tf.core.files import file_hash, read_json, write_json
from leukemia_tf.evaluation.predictions import write_predictions
from leukemia_tf.inference.batches import predict_paths
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.parallel import run_tasks
from leukemia_tf.serving.runtime_networks import logits_on
from leukemia_tf.serving.runtimes import TENSORFLOW
from leukemia_tf.serving.signatures import PredictFunction, prediction_function
from leukemia_tf.training.devices import pin_threads

log = logging.getLogger("leukemia_tf")

PIECE = 128  # images, or the next whole number of batches


def predict_images(
    model: Path, images: Sequence[Path], batch_size: int, parts: Path, engine: EngineConfig, runtime: str = TENSORFLOW
) -> Iterator[Path]:
    """Predict image files, piece by piece.

    Parameters
    ----------
    model : pathlib.Path
        A network's file.
    images : sequence of pathlib.Path
        The image files.
    batch_size : int
        Images per step.
    parts : pathlib.Path
        Folder for the predictions, one table per piece. Tables that an interrupted call with the same network has
        written are reused, if their images have the same names, sizes and times.
    engine : EngineConfig
        Where the pieces are computed.
    runtime : str
        As `runtimes.logits_on` takes it.

    Yields
    ------
    pathlib.Path
        The tables in the order of the images, once all are written.
    """
    size = batch_size * -(-PIECE // batch_size)
    pieces = [images[start : start + size] for start in range(0, len(images), size)]
    tables = [parts / f"{number:06}-{_fingerprint(piece)}.csv" for number, piece in enumerate(pieces)]
    _prepare_folder(parts, model, batch_size, runtime)
    missing = [(piece, table) for piece, table in zip(pieces, tables) if not table.is_file()]
    if len(missing) < len(pieces):
        log.info("%d of %d pieces are there from before", len(pieces) - len(missing), len(pieces))
    jobs = [(model, runtime, piece, batch_size, table) for piece, table in missing]
    total = sum(len(piece) for piece, _ in missing)
    with progress_bar(total=total, title="predicting", unit="cell", disable=len(images) < 2) as bar:
        for _, count in run_tasks(_predict_piece, jobs, engine):
            bar.update(count)
    yield from tables


def _fingerprint(images: Sequence[Path]) -> str:
    """Return what changes with the names of images, and with their files: a replaced one is predicted again."""
    digest = hashlib.sha256()
    for path in images:
        try:
            status = path.stat()
        except OSError:  # its row will say so
            digest.update(os.fsencode(path) + b"\n")
            continue
        digest.update(os.fsencode(path) + f"\n{status.st_size}\n{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _prepare_folder(parts: Path, model: Path, batch_size: int, runtime: str) -> None:
    """Make the folder for the tables; delete those of another network."""
    request = {"model": file_hash(model), "runtime": runtime, "batch_size": batch_size}
    state = parts / "request.json"
    try:
        same = state.is_file() and read_json(state) == request
    except DamagedFileError:
        same = False
    if not same:
        shutil.rmtree(parts, ignore_errors=True)
        write_json(state, request)


def _predict_piece(model: Path, runtime: str, images: Sequence[Path], batch_size: int, table: Path) -> int:
    """Write the predictions of a piece's images into its table; return their number."""
    predict = _predict_function(model, model.stat().st_mtime_ns, runtime)
    rows = list(predict_paths(predict, images, batch_size))
    write_predictions(table, rows)
    return len(rows)


@lru_cache(maxsize=1)
def _predict_function(model: Path, modified: int, runtime: str) -> PredictFunction:
    """Return the function that predicts image files by a network's file, as it was when `modified`, on a runtime."""
    pin_threads()
    network = load_network(model)
    return prediction_function(network, logits_on(runtime, network))
