"""Predictions of image files and of images in memory, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from leukemia_tf.core.errors import BadImageError
from leukemia_tf.data.cnmc import parse_cnmc_name
from leukemia_tf.data.headers import header_problem
from leukemia_tf.data.integrity import DAMAGED, decode_any, read_bytes
from leukemia_tf.data.outline import SEGMENT_FIRST, is_segmented
from leukemia_tf.evaluation.predictions import UNLIKE, UNLIKE_REASON, Prediction
from leukemia_tf.serving.signatures import PredictFunction

BATCH = 32  # images
CONCURRENT = 2  # batches: one is read and framed while the network computes the other


def predict_paths(predict: PredictFunction, paths: Sequence[Path], batch_size: int = BATCH) -> Iterator[Prediction]:
    """Yield the prediction of each image file.

    Parameters
    ----------
    predict : callable
        As from `prediction_function`.
    paths : sequence of pathlib.Path
        The files.
    batch_size : int
        Images per step.
    """
    batches = [paths[start : start + batch_size] for start in range(0, len(paths), batch_size)]
    with ThreadPoolExecutor(CONCURRENT) as threads:
        for predictions in threads.map(lambda batch: predict_files(predict, batch), batches):
            yield from predictions


def predict_arrays(
    predict: PredictFunction, images: Sequence[np.ndarray], batch_size: int = BATCH
) -> Iterator[Prediction]:
    """Yield the prediction of each image in memory; its `path` is `image 0`, `image 1` and so on.

    Parameters
    ----------
    predict : callable
        As from `tensor_function`.
    images : sequence of numpy.ndarray
        uint8 [height, width, 3] each, RGB. Neighbours of one size share a step.
    batch_size : int
        Images per step.
    """
    number = 0
    for _, group in groupby(images, lambda image: image.shape):
        same_size = list(group)
        for start in range(0, len(same_size), batch_size):
            batch = same_size[start : start + batch_size]
            for image, row in zip(batch, _rows(predict(tf.constant(np.stack(batch)))), strict=True):
                yield _prediction(f"image {number}", row, "" if is_segmented(image) else SEGMENT_FIRST)
                number += 1


def predict_files(predict: PredictFunction, paths: Sequence[Path]) -> list[Prediction]:
    """Return the predictions of one batch of image files; an unreadable one has no probability, but a reason."""
    contents, problems = zip(*map(_read, paths))
    rows = _rows(predict(tf.constant(contents)))
    names = (parse_cnmc_name(path) or ("", "") for path in paths)
    return [
        _prediction(str(path), row, problem, label, patient)
        for path, row, problem, (label, patient) in zip(paths, rows, problems, names)
    ]


def _read(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes and its problem; no bytes if it cannot be read."""
    try:
        content = read_bytes(path, path)
    except BadImageError as error:
        return b"", error.reason
    problem = header_problem(content)
    if problem:
        return b"", problem.reason
    pixels = decode_any(content)
    return content, "" if pixels is None or is_segmented(pixels) else SEGMENT_FIRST


def _rows(outputs: Mapping[str, tf.Tensor]) -> Iterator[dict[str, Any]]:
    """Yield a signature's outputs, [n] each, image by image."""
    columns = {name: values.numpy() for name, values in outputs.items()}
    return (dict(zip(columns, row)) for row in zip(*columns.values()))


def _prediction(path: str, row: Mapping[str, Any], problem: str = "", label: str = "", patient: str = "") -> Prediction:
    status = row["status"].decode()
    if problem == SEGMENT_FIRST and status == "ok":
        status = UNLIKE
    if status not in ("ok", UNLIKE):
        return Prediction(path, patient, label, status=status, reason=problem or DAMAGED)
    return Prediction(
        path,
        patient,
        label,
        logit=float(row["logit"]),
        probability=float(row["probability"]),
        prediction=row["prediction"].decode(),
        status=status,
        reason=problem or (UNLIKE_REASON if status == UNLIKE else ""),
    )
