"""The private Keras API that this package needs, a function each; `tests/models/test_keras_internals.py` checks it."""

from __future__ import annotations

from typing import Any

import keras


def variable_index(optimizer: keras.optimizers.Optimizer, variable: Any) -> int:
    """Return a trainable variable's place in the list that an optimizer was built with.

    Keras hands the backend's variable to `update_step`, under `tf.distribute` a replica's, and none of its public API
    leads back from there to the `keras.Variable`. Its guide to custom optimizers uses this method, too.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Built.
    variable : keras.Variable or the backend's variable
        One of those that it was built with.
    """
    return optimizer._get_variable_index(variable)
