"""Test-time augmentation: a cell's logit as the mean over rotated, flipped or cropped views."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.data.datasets import do_not_convert, prediction_batches, zip_inputs
from leukemia_tf.data.store import Store
from leukemia_tf.models.network import predict_logits

BATCH = 32
CROP = 0.875  # of the side, as torchvision takes 224 of 256
COUNTS = {"none": 1, "dihedral": 8, "five-crop": 5, "ten-crop": 10}  # views per cell


def check_tta(tta: str) -> None:
    """Stop at a name that is not among `COUNTS`.

    Raises
    ------
    ArgumentError
        Names the views that there are.
    """
    if tta not in COUNTS:
        raise ArgumentError("tta", tta, nearest(tta, COUNTS))


def views_of(cells: keras.KerasTensor, tta: str) -> keras.KerasTensor:
    """Return the views of each cell.

    Parameters
    ----------
    cells : tensor
        uint8 [n, size, size, 3].
    tta : str
        `none`; `dihedral` (the eight rotations and flips); `five-crop` (the corners and the centre, 0.875 of the side,
        resized to the full side); or `ten-crop` (those and their mirror images).

    Returns
    -------
    tensor
        uint8 [n, views, size, size, 3]; the first is the cell itself, except for crops.
    """
    if tta == "none":
        return cells[:, None]
    if tta == "dihedral":
        flips = [ops.flip(cells, axes) if axes else cells for axes in ((), (2,), (1,), (1, 2))]
        return ops.stack([*flips, *(ops.transpose(view, (0, 2, 1, 3)) for view in flips)], axis=1)
    crops = _five_crops(cells)
    return crops if tta == "five-crop" else ops.concatenate([crops, ops.flip(crops, 3)], axis=1)


def _five_crops(cells: keras.KerasTensor) -> keras.KerasTensor:
    size = cells.shape[1]
    side = round(CROP * size)
    margin = size - side
    origins = [*itertools.product((0, margin), (0, margin)), (margin // 2, margin // 2)]
    crops = (cells[:, top : top + side, left : left + side] for top, left in origins)
    resized = (ops.image.resize(ops.cast(crop, "float32"), (size, size)) for crop in crops)
    return ops.stack([ops.cast(ops.round(view), "uint8") for view in resized], axis=1)


def predict_views(
    model: keras.Model, pictures: Sequence[Store | np.ndarray], tta: str, batch_size: int = BATCH
) -> np.ndarray:
    """Return each cell's mean logit over its views: float32 [n].

    Parameters
    ----------
    model : keras.Model
        The network.
    pictures : sequence of Store or numpy.ndarray
        uint8 [n, size, size, 3] for each of its inputs.
    tta : str
        Which views.
    batch_size : int
        The most views in a batch, unless one cell has more: all views of a cell are in one batch.
    """
    cells_per_batch = max(1, batch_size // COUNTS[tta])

    def views(cells: Store | np.ndarray) -> tf.data.Dataset:
        batches = prediction_batches(cells, cells_per_batch)
        views_of_batch = do_not_convert(lambda batch: ops.reshape(views_of(batch, tta), (-1, *batch.shape[1:])))
        return batches.map(views_of_batch)

    return predict_logits(model, zip_inputs([views(cells) for cells in pictures])).reshape(-1, COUNTS[tta]).mean(1)
