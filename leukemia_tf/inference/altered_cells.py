"""A network's logits for altered pictures of cells."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.data.alterations import Amounts, altered
from leukemia_tf.data.cell_picture import CellPicture
from leukemia_tf.data.image_statistics import image_statistics
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.preprocessing_graph import preprocess
from leukemia_tf.evaluation.tta import predict_views
from leukemia_tf.models.network import logit_model, preprocessings_of
from leukemia_tf.models.probability import get_calibration, mahalanobis_distance

IMAGE = tf.TensorSpec([None, None, 3], tf.uint8)
Item = TypeVar("Item")
Result = TypeVar("Result")


def altered_logits(
    model: keras.Model,
    cells: Sequence[Callable[[], CellPicture]],
    amounts: Amounts,
    tta: str = "none",
    batch_size: int = 32,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what a network answers to each cell, unaltered and under each of `ALTERATIONS`.

    The pictures are altered as a laboratory sends them, then framed and scaled as the network stores it.

    Parameters
    ----------
    model : keras.Model
        A network of this package, or an ensemble.
    cells : sequence of callable
        Each returns a cell; called ahead, in parallel, so that few pictures are in memory.
    amounts : Amounts
        How far they are altered.
    tta : str
        Test-time views.
    batch_size : int
        The most views in a batch.

    Yields
    ------
    tuple of numpy.ndarray
        float32 [1 + alterations], logits, the unaltered picture's first; bool [1 + alterations], whether each picture
        is out of distribution.
    """
    inputs = [stored_preprocessing(stored) for stored in preprocessings_of(model)]
    prepare = {settings: _graph(partial(preprocess, settings=settings)) for settings in dict.fromkeys(inputs)}
    to_logit, is_unlike = logit_model(model), _out_of_distribution(model)

    def prepared(read: Callable[[], CellPicture]) -> tuple[dict, np.ndarray]:
        cell = read()
        rows, unlike = [], []
        for picture in chain([cell.pixels], altered(cell, amounts)):  # one at a time: they may be large
            rows.append([graph(picture) for graph in prepare.values()])
            unlike.append(is_unlike(picture))
        return dict(zip(prepare, map(np.stack, zip(*rows)))), np.array(unlike)

    for views, unlike in _ahead(prepared, cells):
        yield predict_views(to_logit, [views[settings] for settings in inputs], tta, batch_size), unlike


def _out_of_distribution(model: keras.Model) -> Callable[[np.ndarray], bool]:
    """Return the function that says whether a picture is unlike a network's training cells."""
    distribution, measure = get_calibration(model).out_of_distribution, _graph(image_statistics)
    if distribution is None:
        return lambda _: False
    return lambda picture: bool(mahalanobis_distance(measure(picture)[None], distribution)[0] > distribution.limit)


def _graph(function: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[np.ndarray], tf.Tensor]:
    return tf.function(function, input_signature=[IMAGE], autograph=False)


def _ahead(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield a function's results in order, as many computed ahead as there are cores."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
