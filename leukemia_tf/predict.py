"""`python -m leukemia_tf.predict`: leukemic or normal, for each image."""

from __future__ import annotations

import csv
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import PredictConfig
from leukemia_tf.errors import BadImageError, DataError
from leukemia_tf.run import run_or_newest

if TYPE_CHECKING:
    import keras

    from leukemia_tf.evaluation.predictions import Prediction

log = logging.getLogger("leukemia_tf")


def predict(config: PredictConfig) -> list[Prediction]:
    """Answer for image files.

    Parameters
    ----------
    config : PredictConfig
        The images; the newest run by default.

    Returns
    -------
    list of Prediction
        One an image, in the order asked; one that cannot be read has `status` `unreadable` and a `reason`.
    """
    run = run_or_newest(config.run)
    from leukemia_tf.data.catalog import find_images
    from leukemia_tf.evaluation.predictions import write_predictions
    from leukemia_tf.models.network import load_network

    images = find_images(config.images)
    predictions = list(predict_images(load_network(run.model), images, config.batch_size))
    if config.out:
        write_predictions(config.out, predictions)
    return predictions


def predict_images(model: keras.Model, images: Sequence[Path], batch_size: int = 32) -> Iterator[Prediction]:
    """Yield the prediction of each image file, in order; see `predict`."""
    import tensorflow as tf
    from tqdm import tqdm

    from leukemia_tf.serving.answers import answer_function

    answer = answer_function(model)
    with tqdm(total=len(images), desc="predicting", unit="cell", leave=False, disable=len(images) < 2) as bar:
        for start in range(0, len(images), batch_size):
            paths = images[start : start + batch_size]
            contents, problems = zip(*map(_read, paths))
            answers = {name: values.numpy() for name, values in answer(tf.constant(contents)).items()}
            for index, (path, problem) in enumerate(zip(paths, problems)):
                yield _row(path, problem, {name: values[index] for name, values in answers.items()})
            bar.update(len(paths))


def _read(path: Path) -> tuple[bytes, str]:
    """Return a file's bytes and what is wrong with it; no bytes where something is."""
    from leukemia_tf.data.headers import header_problem
    from leukemia_tf.data.integrity import read_bytes

    try:
        content = read_bytes(path, path)
    except BadImageError as error:
        return b"", error.reason
    problem = header_problem(content)
    return (b"", problem.reason) if problem else (content, "")


def _row(path: Path, problem: str, answer: dict) -> Prediction:
    from leukemia_tf.data.catalog import told_by_name
    from leukemia_tf.data.integrity import DAMAGED
    from leukemia_tf.evaluation.predictions import UNLIKE, UNLIKE_REASON, Prediction

    label, patient = told_by_name(path) or ("", "")
    status = answer["status"].decode()
    if status not in ("ok", UNLIKE):
        return Prediction(str(path), patient, label, status=status, reason=problem or DAMAGED)
    logit, probability, said = float(answer["logit"]), float(answer["probability"]), answer["prediction"].decode()
    reason = UNLIKE_REASON if status == UNLIKE else ""
    return Prediction(str(path), patient, label, logit, probability, said, status, reason)


def _command(config: PredictConfig) -> int:
    from leukemia_tf.evaluation.predictions import COLUMNS, UNLIKE, as_row

    predictions = predict(config)
    if not config.out:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(as_row, predictions))
    for prediction in predictions:
        if prediction.status == UNLIKE:
            log.warning("WARNING: %s: %s", prediction.path, prediction.reason)
    bad = [prediction for prediction in predictions if prediction.probability is None]
    for prediction in bad:
        log.error("error: %s: %s", prediction.path, prediction.reason)
    if config.out:
        log.info("%d answers and %d failures in %s", len(predictions) - len(bad), len(bad), config.out)
    if len(bad) == len(predictions):
        raise DataError("none of the images could be read.")
    return 3 if bad else 0


if __name__ == "__main__":
    run_command("predict", PredictConfig, _command)
