"""Leukemic or normal, for each image."""

from __future__ import annotations

import csv
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leukemia_tf.config import PredictConfig
from leukemia_tf.core.errors import DataError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.splits import read_split
from leukemia_tf.evaluation.predictions import COLUMNS, UNLIKE, Prediction, as_row, iterate_predictions
from leukemia_tf.inference.image_files import predict_images
from leukemia_tf.inference.writers import PatientTally, join_tables, json_line, write_submission
from leukemia_tf.runs.open_runs import network_file
from leukemia_tf.runs.parallel import check_engine
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.serving.runtimes import TENSORFLOW, check_runtime
from leukemia_tf.training.settings import check_count

log = logging.getLogger("leukemia_tf")


def predict(config: PredictConfig) -> list[Prediction]:
    """Run the command `predict`; see `leukemia_tf.predict.predict`."""
    with _predictions(config) as predictions:
        return list(predictions)


def predict_command(config: PredictConfig) -> int:
    """Print the predictions, or a table of the patients, and return the exit status: 3 if some images failed."""
    total = failed = 0
    tally = PatientTally(_trained_on(network_file(config.run)) if config.out else ())
    with _predictions(config) as predictions:
        print_row = _printer(config)
        for prediction in predictions:
            total += 1
            failed += prediction.probability is None
            tally.add(prediction)
            print_row(prediction)
            _warn(prediction)
    if config.out:
        log.info("%s\n\n%d predictions and %d failures in %s", tally.table(), total - failed, failed, config.out)
    if failed == total:
        raise DataError("none of the images could be read.")
    return 3 if failed else 0


@contextmanager
def _predictions(config: PredictConfig) -> Iterator[Iterator[Prediction]]:
    """Give the predictions one by one; `config.out` is written before them, `config.submission` after them."""
    check_engine(config)
    check_count("batch_size", config.batch_size)
    check_runtime("runtime", config.runtime, TENSORFLOW)
    network = network_file(config.run)
    images = find_images(config.images)
    with TemporaryDirectory() as scratch:
        parts = config.out.with_name(f"{config.out.name}.parts") if config.out else Path(scratch)
        tables = list(predict_images(network, images, config.batch_size, parts, config, config.runtime))
        if config.out:
            join_tables(tables, config.out)
        yield _read(tables)
        if config.submission:
            write_submission(config.submission, _read(tables))
        if config.out:
            shutil.rmtree(parts)


def _trained_on(network: Path) -> frozenset[str]:
    """Return the patients whose cells trained or validated a run's network; none for a file without its run."""
    run = RunFolder(network.parent)
    if not run.config.is_file():
        return frozenset()
    run.check_files(run.splits)
    split = read_split(run.splits)
    return frozenset({*split.train, *split.val})


def _read(tables: list[Path]) -> Iterator[Prediction]:
    return (prediction for table in tables for prediction in iterate_predictions(table))


def _printer(config: PredictConfig) -> Callable[[Prediction], Any]:
    """Return the function that prints one prediction: as CSV, as JSON, or not at all if it is in `config.out`."""
    if config.out:
        return lambda prediction: None
    if config.json:
        return lambda prediction: sys.stdout.write(json_line(prediction) + "\n")
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    writer.writeheader()
    return lambda prediction: writer.writerow(as_row(prediction))


def _warn(prediction: Prediction) -> None:
    if prediction.status == UNLIKE:
        log.warning("WARNING: %s: %s", prediction.path, prediction.reason)
    if prediction.probability is None:
        log.error("error: %s: %s", prediction.path, prediction.reason)
