"""Which BatchNormalization is fused, and which is not."""

import keras
import numpy as np
import pytest

from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization


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
