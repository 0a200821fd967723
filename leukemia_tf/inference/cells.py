"""Predictions of a data folder's cells, from prepared cells and with test-time augmentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.image_statistics import image_statistics_of_files
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.store import open_store
from leukemia_tf.evaluation.predictions import UNLIKE, UNLIKE_REASON, Prediction, make_prediction
from leukemia_tf.evaluation.tta import predict_views
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.network import preprocessings_of
from leukemia_tf.models.probability import get_calibration, mahalanobis_distance


def cell_logits(
    model: keras.Model,
    folder: Path,
    cells: Sequence[Cell],
    settings: Mapping[str, Any],
    tta: str,
    title: str = "preparing cells",
) -> np.ndarray:
    """Return the logit of each cell, the mean over its views.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble.
    folder : pathlib.Path
        The data folder.
    cells : sequence of Cell
        Readable images in it.
    settings : mapping
        The run's training settings; `cache` and `batch_size` count.
    tta : str
        Which views; see `leukemia_tf.evaluation.tta`.
    title : str
        Of the progress bar.

    Returns
    -------
    numpy.ndarray
        float32 [n].
    """
    inputs = [stored_preprocessing(stored) for stored in preprocessings_of(model)]
    stores = {
        preprocessing: open_store(folder, cells, preprocessing, settings["cache"], title)
        for preprocessing in dict.fromkeys(inputs)
    }
    fused = fuse_batch_normalization(model)
    return predict_views(fused, [stores[preprocessing] for preprocessing in inputs], tta, settings["batch_size"])


def cell_predictions(
    model: keras.Model, folder: Path, cells: Sequence[Cell], logits: np.ndarray, tta: str
) -> list[Prediction]:
    """Return the prediction of each cell by the temperature, threshold and training distribution stored in a network.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble.
    folder : pathlib.Path
        The data folder.
    cells : sequence of Cell
        Readable images in it.
    logits : numpy.ndarray
        float32 [n], as from `cell_logits`.
    tta : str
        The views of these logits.
    """
    calibration = get_calibration(model)
    predictions = [
        replace(make_prediction(cell.path, logit, calibration, cell.patient, cell.label), view=tta)
        for cell, logit in zip(cells, logits)
    ]
    distribution = calibration.out_of_distribution
    if not distribution:
        return predictions
    distances = mahalanobis_distance(image_statistics_of_files([folder / cell.path for cell in cells]), distribution)
    return [
        replace(row, status=UNLIKE, reason=UNLIKE_REASON) if distance > distribution.limit else row
        for row, distance in zip(predictions, distances)
    ]
