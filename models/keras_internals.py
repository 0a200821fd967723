"""The private Keras API that this package needs, a function each; `tests/models/test_keras_internals.py` checks it."""

from __future__ import annotations

from typing import Any

import keras
from keras.src.backend.common import global_state
from keras.src.saving import saving_lib


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


def count_declared_parameters(config: dict[str, Any]) -> int:
    """Return how many parameters a model's config declares; none of them is allocated.

    Keras's `StatelessScope` puts variables off until it ends, and here they are dropped. It keeps them in a list of its
    own, which is cleared: the next scope would make them.

    Parameters
    ----------
    config : dict
        What a `.keras` file holds of its layers.
    """
    try:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    finally:
        global_state.set_global_attribute("uninitialized_variables", [])
    return int(model.count_params())


def archive_members() -> tuple[str, str]:
    """Return the names under which a `.keras` file holds a model's config and its weights."""
    return saving_lib._CONFIG_FILENAME, saving_lib._VARS_FNAME_H5
