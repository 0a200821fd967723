"""What a user of Keras would write: `keras.applications`, `fit`, and no more; what the benchmarks compare with."""

from __future__ import annotations

import keras
import numpy as np

from leukemia_tf.models.table import find_architecture
from leukemia_tf.models.weights_search import local_weights


def plain_network(size: int, trainable: bool) -> keras.Model:
    """Build ResNet50 up to `conv4_block6_out`, mean pooling, 256 units, dropout, one unit: cells -> probability."""
    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(size, size, 3))
    for path in local_weights(find_architecture("resnet50")):
        base.load_weights(path, by_name=True)  # a file may cover only the truncated base
    base = keras.Model(base.input, base.get_layer("conv4_block6_out").output)
    base.trainable = trainable
    cell = keras.Input((size, size, 3), dtype="uint8")
    x = base(keras.applications.resnet.preprocess_input(keras.ops.cast(cell, "float32")))
    x = keras.layers.Dense(256, activation="relu")(keras.layers.GlobalAveragePooling2D()(x))
    return keras.Model(cell, keras.layers.Dense(1, activation="sigmoid")(keras.layers.Dropout(0.5)(x)))


def plain_fit(
    cells: np.ndarray,
    labels: np.ndarray,
    weights: np.ndarray,
    trainable: bool,
    rate: float,
    epochs: int,
    callbacks: tuple = (),
) -> keras.Model:
    """Train with Adam at a constant rate, in batches of 32: uint8 [n, size, size, 3], int [n], float [n]."""
    keras.utils.set_random_seed(0)
    model = plain_network(cells.shape[1], trainable)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    model.fit(cells, labels, 32, epochs, sample_weight=weights, verbose=0, callbacks=list(callbacks))
    return model
