"""What may be folded, and what not."""

import keras
import numpy as np
import pytest

from leukemia_tf.models.folded import folded


@pytest.mark.parametrize(("also_read", "norms"), [(False, 0), (True, 1)])
def test_only_what_nobody_else_reads_is_folded(also_read, norms):
    draw = np.random.default_rng(0)
    cells = keras.Input((4, 4, 3))
    convolved = keras.layers.Conv2D(5, 3)(cells)
    norm = keras.layers.BatchNormalization()
    normalised = norm(convolved)
    model = keras.Model(cells, normalised + convolved if also_read else keras.ops.relu(normalised))
    norm.set_weights([draw.uniform(0.5, 2, 5) for _ in range(4)])
    asked, seen = folded(model), draw.normal(0, 1, (2, 4, 4, 3)).astype("float32")
    np.testing.assert_allclose(asked(seen), model(seen), atol=1e-5)
    assert sum(isinstance(layer, keras.layers.BatchNormalization) for layer in asked.layers) == norms
