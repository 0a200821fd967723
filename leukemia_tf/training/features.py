"""Features of a frozen base: the pooled outputs of its last blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras
import numpy as np

from leukemia_tf.models.architecture import Block
from leukemia_tf.models.pooling import GlobalMeanStdPooling


def frozen_features(model: keras.Model, blocks: Sequence[Block], batches: np.ndarray | Iterable) -> np.ndarray:
    """Compute mean and standard deviation over space of the last output of each named block.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    blocks : sequence of Block
        Blocks of its base whose last outputs count.
    batches : numpy.ndarray or iterable
        uint8 [n, size, size, 3] in all, or batches of it.

    Returns
    -------
    numpy.ndarray
        float32 [n, 2 * channels of the blocks together]: a block's means, its deviations, the next block's means, …
    """
    outputs = [GlobalMeanStdPooling()(model.get_layer(block.last).output) for block in blocks]
    return keras.Model(model.input, keras.ops.concatenate(outputs, axis=-1)).predict(batches, verbose=0)
