"""Which BatchNormalization is fused, and which is not."""

import keras
import numpy as np
import pytest

from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.heads import Head
from leukemia_tf.models.layer_names import LOGIT, SCALE
from leukemia_tf.models.network import build_network
from leukemia_tf.models.table import find_architecture


@pytest.mark.parametrize(("also_read", "norms"), [(False, 0), (True, 1)])
def test_only_what_nothing_else_reads_is_fused(also_read, norms):
    draw = np.random.default_rng(0)
    cells = keras.Input((4, 4, 3))
    convolved = keras.layers.Conv2D(5, 3)(cells)
    norm = keras.layers.BatchNormalization()
    normalised = norm(convolved)
    model = keras.Model(cells, normalised + convolved if also_read else keras.ops.relu(normalised))
    norm.set_weights([draw.uniform(0.5, 2, 5) for _ in range(4)])
    fused, inputs = fuse_batch_normalization(model), draw.normal(0, 1, (2, 4, 4, 3)).astype("float32")
    np.testing.assert_allclose(fused(inputs), model(inputs), atol=1e-5)
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in fused.layers) == norms


@pytest.mark.parametrize("pooling", ["mean", "mean-std", "cell"])
def test_maps_of_bfloat16_are_pooled_at_float32(pooling):
    keras.utils.set_random_seed(0)
    head = Head(pooling=pooling, units=())
    model = build_network(find_architecture("resnet18"), 1, {"image_size": 64}, head)
    features = keras.Model(model.input, model.get_layer(LOGIT).input)
    rounded = fuse_batch_normalization(features, "mixed_bfloat16")
    cells = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    exact, near = features.predict(cells, verbose=0), rounded.predict(cells, verbose=0)
    assert near.dtype == np.float32
    assert 0 < np.abs(near - exact).max() < 0.02 * np.abs(exact).max()
    assert np.any(near.view(np.uint32) << 16), "the mean is not of 8 bits"
    np.testing.assert_array_equal(rounded.get_layer(SCALE)(cells), model.get_layer(SCALE)(cells))
    assert {layer.compute_dtype for layer in model.layers} <= {"float32", "uint8"}
