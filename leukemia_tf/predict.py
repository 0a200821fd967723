"""`python -m leukemia_tf.predict`: leukemic or normal, for each image."""

from __future__ import annotations

import csv
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from leukemia_tf.assemble import check_count
from leukemia_tf.cli import run_command
from leukemia_tf.config import PredictConfig
from leukemia_tf.engine import check_engine
from leukemia_tf.errors import DataError
from leukemia_tf.run import network_file
from leukemia_tf.serving.runtimes import TENSORFLOW, check_runtime

if TYPE_CHECKING:
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
    with _answers(config) as answers:
        return list(answers)


@contextmanager
def _answers(config: PredictConfig) -> Iterator[Iterator[Prediction]]:
    """Give the answers one after the other; with `config.out`, they are in that file then."""
    check_engine(config)
    check_count("batch_size", config.batch_size)
    check_runtime("--runtime", config.runtime, TENSORFLOW)
    network = network_file(config.run)
    from leukemia_tf.answer_files import join_tables, write_submission
    from leukemia_tf.data.catalog import find_images
    from leukemia_tf.evaluation.predictions import iterate_predictions
    from leukemia_tf.scoring import answer_images

    images = find_images(config.images)
    with TemporaryDirectory() as scratch:
        parts = config.out.with_name(f"{config.out.name}.parts") if config.out else Path(scratch)
        tables = list(answer_images(network, images, config.batch_size, parts, config, config.runtime))

        def answers() -> Iterator[Prediction]:
            return (answer for table in tables for answer in iterate_predictions(table))

        if config.out:
            join_tables(tables, config.out)
        yield answers()
        if config.submission:
            write_submission(config.submission, answers())
        if config.out:
            shutil.rmtree(parts)


def _command(config: PredictConfig) -> int:
    from leukemia_tf.answer_files import PatientTally, json_line
    from leukemia_tf.evaluation.predictions import COLUMNS, UNLIKE, as_row

    told = bad = 0
    tally, printed = PatientTally(), not config.out
    writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    with _answers(config) as answers:
        if printed and not config.json:
            writer.writeheader()
        for answer in answers:
            told += 1
            bad += answer.probability is None
            tally.add(answer)
            if printed:
                sys.stdout.write(json_line(answer) + "\n") if config.json else writer.writerow(as_row(answer))
            if answer.status == UNLIKE:
                log.warning("WARNING: %s: %s", answer.path, answer.reason)
            if answer.probability is None:
                log.error("error: %s: %s", answer.path, answer.reason)
    if config.out:
        log.info("%s\n\n%d answers and %d failures in %s", tally.table(), told - bad, bad, config.out)
    if bad == told:
        raise DataError("none of the images could be read.")
    return 3 if bad else 0


if __name__ == "__main__":
    run_command("predict", PredictConfig, _command)
