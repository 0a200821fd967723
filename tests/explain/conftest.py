"""A network small enough to work out by hand."""

import keras
import numpy as np
import pytest

from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.layer_names import INPUT, LOGIT, PROBABILITY, SCALE
from leukemia_tf.models.probability import Probability

SIZE, MAPS = 6, 5


def build(weights, size=SIZE, kernel=None):
    """A 1x1 convolution onto some maps, and a logit that weighs every place of each: float [size, size, maps]."""
    weights = np.asarray(weights, np.float32)
    cell = keras.Input((size, size, 3), dtype="uint8", name=INPUT)
    scaled = CellInput("unit", {"image_size": size, "framing": "none", "contrast": "none"}, name=SCALE)(cell)
    maps = keras.layers.Conv2D(weights.shape[-1], 1, use_bias=False, name="conv")(scaled)
    flat = keras.layers.Flatten(name="flat")(maps)
    logit = keras.layers.Dense(1, use_bias=False, name=LOGIT)(flat)
    model = keras.Model(cell, Probability(name=PROBABILITY)(logit), name="scratch")
    model.get_layer(LOGIT).kernel.assign(weights.reshape(-1, 1))
    if kernel is not None:
        model.get_layer("conv").kernel.assign(np.asarray(kernel, np.float32)[None, None])
    return model


@pytest.fixture(scope="session")
def hand_network():
    return build


@pytest.fixture
def a_case():
    """Cells, signs, a network, its maps and the gradients of its signed logit, worked out with NumPy."""
    rng, count = np.random.default_rng(2), 3  # no map of theirs is 0 everywhere
    cells = rng.integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)
    kernel, weights = rng.normal(size=(3, MAPS)), rng.normal(size=(SIZE, SIZE, MAPS))
    signs = np.where(np.arange(count) % 2, -1, 1).astype(np.float32)
    maps = (cells / 255) @ kernel
    return cells, signs, build(weights, kernel=kernel), maps, signs[:, None, None, None] * weights
