"""Example cells: the most confident predictions, correct and wrong, each with its heat map."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, round_robin_by_patient
from leukemia_tf.explain.frame import frame_of
from leukemia_tf.explain.maps import explainer, mean_map
from leukemia_tf.explain.methods import DEFAULT, METHODS
from leukemia_tf.explain.pictures import overlay, thumb
from leukemia_tf.models.calibration import Calibration
from leukemia_tf.reporting.blocks import Gallery, Thumb
from leukemia_tf.reporting.page import picture_source

METHOD = METHODS[DEFAULT].title  # of the heat maps
SHOWN = 5  # cells of a gallery
THUMB = 260  # pixels; a page shows them smaller
CLASSES = {"all": "leukemic", "hem": "normal"}  # in a title


def galleries(
    model: keras.Model, folder: Path, predictions: Sequence[Prediction], calibration: Calibration
) -> list[Gallery]:
    """Return, for each class, the cells predicted correctly and wrongly with the highest confidence.

    Cells of many patients are preferred.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    folder : pathlib.Path
        Where the cells lie.
    predictions : sequence of Prediction
        With labels.
    calibration : Calibration
        Of the network.
    """
    selected = {}
    for label, name in CLASSES.items():
        for called, word in CLASSES.items():
            rows = [row for row in predictions if (row.label, row.prediction) == (label, called)]
            if rows:
                shown = _most_confident(rows, calibration)
                some = f"the {len(shown)} most confident of {len(rows):,}" if len(shown) > 1 else f"1 of {len(rows):,}"
                selected[f"{name.capitalize()} cells called {word}: {some}"] = shown
    cells = iter(_describe(model, folder, [row for rows in selected.values() for row in rows], calibration.threshold))
    return [Gallery(title, [next(cells) for _ in rows]) for title, rows in selected.items()]


def _most_confident(rows: Sequence[Prediction], calibration: Calibration) -> list[Prediction]:
    """Return the rows farthest from the threshold: each patient's first, then each patient's second, and so on."""
    threshold = calibration.temperature * log(calibration.threshold / (1 - calibration.threshold))

    def key(row: Prediction) -> tuple[float, str]:
        return (-abs((row.logit or 0.0) - threshold), row.path)

    return round_robin_by_patient(sorted(rows, key=key))[:SHOWN]


def _describe(model: keras.Model, folder: Path, rows: Sequence[Prediction], threshold: float) -> list[Thumb]:
    """Return each cell's picture beside its heat map, with alternative text and caption."""
    frames = [frame_of(model, folder / row.path, row) for row in rows]
    thumbs = []
    for row, frame, maps in zip(rows, frames, explainer(model)(frames) if frames else ()):
        heat = mean_map(maps)
        pair = [thumb(overlay(frame.image, shade), frame.boxes[0], THUMB) for shade in (0 * heat, heat)]
        label, prediction = LABEL_NAMES[row.label], LABEL_NAMES[row.prediction]
        about = f"patient {row.patient}, label {label}, predicted {prediction}"
        caption = f"{Path(row.path).name}: p\u00a0=\u00a0{row.probability:.3f}, threshold\u00a0{threshold:.3g}"
        source, wrong = picture_source(np.hstack(pair)), row.label != row.prediction
        thumbs.append(Thumb(source, 2 * THUMB, THUMB, f"Cell of {about}, and its map by {METHOD}", caption, wrong))
    return thumbs
