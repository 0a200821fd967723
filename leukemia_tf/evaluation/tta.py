"""Test-time views: a cell's logit as the mean over turned, flipped or cropped copies of it."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.models.network import predict_logits

BATCH = 32
CROP = 0.875  # of the side, as torchvision's 224 of 256
COUNTS = {"none": 1, "dihedral": 8, "five-crop": 5, "ten-crop": 10}


def check_tta(tta: str) -> None:
    """Stop at views that there are not.

    Raises
    ------
    UserError
        That names those that there are.
    """
    if tta not in COUNTS:
        raise UserError(f"--tta {tta}: {nearest(tta, COUNTS)}")


def views_of(cells: tf.Tensor, tta: str) -> tf.Tensor:
    """Return the views of each cell.

    Parameters
    ----------
    cells : tf.Tensor
        uint8 [n, size, size, 3].
    tta : str
        `none`; `dihedral` (the eight turns and flips); `five-crop` (the corners and the middle, 0.875 of the side,
        scaled back); or `ten-crop` (those and their mirror images).

    Returns
    -------
    tf.Tensor
        uint8 [n, views, size, size, 3]; the first is the cell itself, but for crops.
    """
    if tta == "none":
        return cells[:, None]
    if tta == "dihedral":
        flips = [tf.reverse(cells, axes) if axes else cells for axes in ([], [2], [1], [1, 2])]
        return tf.stack([*flips, *(tf.transpose(view, (0, 2, 1, 3)) for view in flips)], axis=1)
    crops = _five_crops(cells)
    return crops if tta == "five-crop" else tf.concat([crops, tf.reverse(crops, [3])], axis=1)


def _five_crops(cells: tf.Tensor) -> tf.Tensor:
    size = cells.shape[1]
    side = round(CROP * size)
    rest = size - side
    corners = [*itertools.product((0, rest), (0, rest)), (rest // 2, rest // 2)]
    crops = (cells[:, top : top + side, left : left + side] for top, left in corners)
    scaled = (tf.image.resize(crop, (size, size)) for crop in crops)
    return tf.stack([tf.cast(tf.round(view), tf.uint8) for view in scaled], axis=1)


def predict_views(model: keras.Model, batches: tf.data.Dataset, tta: str) -> np.ndarray:
    """Return each cell's mean logit over its views: batches of uint8 [n, size, size, 3] -> float32 [n]."""
    size = model.input_shape[1]
    views = batches.map(lambda cells: tf.reshape(views_of(cells, tta), (-1, size, size, 3)))
    if tta != "none":
        views = views.unbatch().batch(BATCH)  # `rebatch` tells Keras a wrong number of batches
    return predict_logits(model, views).reshape(-1, COUNTS[tta]).mean(1)
