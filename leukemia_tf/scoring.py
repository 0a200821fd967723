"""Many images answered piece by piece: in bounded memory, side by side if asked, going on where it was stopped."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from leukemia_tf.config import EngineConfig
from leukemia_tf.data.catalog import told_by_name
from leukemia_tf.data.headers import header_problem
from leukemia_tf.data.integrity import DAMAGED, read_bytes
from leukemia_tf.engine import each
from leukemia_tf.errors import BadImageError
from leukemia_tf.evaluation.predictions import UNLIKE, UNLIKE_REASON, Prediction, write_predictions
from leukemia_tf.files import read_json, write_json
from leukemia_tf.serving.runtimes import TENSORFLOW, logits_on

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("leukemia_tf")

PIECE = 128  # images, or the next whole number of batches
TOGETHER = 2  # batches at once: one is read and framed while the network looks at the other


def answer_images(
    model: Path, images: Sequence[Path], batch_size: int, parts: Path, engine: EngineConfig, runtime: str = TENSORFLOW
) -> Iterator[Path]:
    """Answer image files, piece by piece.

    Parameters
    ----------
    model : pathlib.Path
        A network's file.
    images : sequence of pathlib.Path
        In the order asked.
    batch_size : int
        Images a step.
    parts : pathlib.Path
        Folder for the answers, a table a piece; those that are there from before, of the same network and images, are
        kept.
    engine : EngineConfig
        Where the pieces are answered.
    runtime : str
        What computes the network, as `runtimes.logits_on` takes it.

    Yields
    ------
    pathlib.Path
        The tables, in the images' order, once all are there.
    """
    size = batch_size * -(-PIECE // batch_size)
    pieces = [images[start : start + size] for start in range(0, len(images), size)]
    tables = [parts / f"{number:06}.csv" for number in range(len(pieces))]
    _begin(parts, model, images, batch_size, runtime)
    missing = [(own, table) for own, table in zip(pieces, tables) if not table.is_file()]
    open_pieces = [(model, runtime, own, batch_size, table) for own, table in missing]
    if len(open_pieces) < len(pieces):
        log.info("%d of %d pieces are there from before", len(pieces) - len(open_pieces), len(pieces))
    left = sum(len(own) for _, _, own, _, _ in open_pieces)
    with tqdm(total=left, desc="predicting", unit="cell", leave=False, disable=len(images) < 2) as bar:
        for _, count in each(_answer_piece, open_pieces, engine):
            bar.update(count)
    yield from tables


def _begin(parts: Path, model: Path, images: Sequence[Path], batch_size: int, runtime: str) -> None:
    """Make the folder for the answers; what is there of another network or other images is deleted."""
    names = hashlib.sha256("\n".join(map(str, images)).encode(errors="surrogateescape")).hexdigest()
    with model.open("rb") as file:
        network = hashlib.file_digest(file, "sha256").hexdigest()
    asked = {"model": network, "runtime": runtime, "images": names, "batch_size": batch_size}
    told = parts / "asked.json"
    if not told.is_file() or read_json(told) != asked:
        shutil.rmtree(parts, ignore_errors=True)
        write_json(told, asked)


def _answer_piece(model: Path, runtime: str, images: Sequence[Path], batch_size: int, table: Path) -> int:
    """Answer a piece's images into its table; return how many."""
    answer = _answer_of(model, model.stat().st_mtime_ns, runtime)
    batches = [images[start : start + batch_size] for start in range(0, len(images), batch_size)]
    with ThreadPoolExecutor(TOGETHER) as threads:
        rows = [row for some in threads.map(lambda batch: answered(answer, batch), batches) for row in some]
    write_predictions(table, rows)
    return len(rows)


@lru_cache(maxsize=1)
def _answer_of(model: Path, stamp: int, runtime: str) -> Callable:
    """Return what a network's file, as it is at a time, makes of image bytes on a runtime."""
    from leukemia_tf.models.network import load_network
    from leukemia_tf.serving.answers import answer_function
    from leukemia_tf.training.devices import pin_threads

    pin_threads()
    network = load_network(model)
    return answer_function(network, logits_on(runtime, network))


def answered(answer: Callable, paths: Sequence[Path]) -> list[Prediction]:
    """Return the prediction of each image file of a batch."""
    import tensorflow as tf

    contents, problems = zip(*map(_read, paths))
    answers = {name: values.numpy() for name, values in answer(tf.constant(contents)).items()}
    told = ({name: values[index] for name, values in answers.items()} for index in range(len(paths)))
    return [_row(path, problem, own) for path, problem, own in zip(paths, problems, told)]


def _read(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes and what is wrong with it; no bytes where something is."""
    try:
        content = read_bytes(path, path)
    except BadImageError as error:
        return b"", error.reason
    problem = header_problem(content)
    return (b"", problem.reason) if problem else (content, "")


def _row(path: Path, problem: str, answer: dict) -> Prediction:
    label, patient = told_by_name(path) or ("", "")
    status = answer["status"].decode()
    if status not in ("ok", UNLIKE):
        return Prediction(str(path), patient, label, status=status, reason=problem or DAMAGED)
    logit, probability, said = float(answer["logit"]), float(answer["probability"]), answer["prediction"].decode()
    reason = UNLIKE_REASON if status == UNLIKE else ""
    return Prediction(str(path), patient, label, logit, probability, said, status, reason)
