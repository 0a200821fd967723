"""A network on a runtime of the table: written in its format, and computed there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.core.files import write_json
from leukemia_tf.data.catalog import CODES
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.layer_names import LOGIT, PROBABILITY
from leukemia_tf.models.member import as_inputs, members_of
from leukemia_tf.models.network import logit_model, preprocessings_of
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.serving.runtimes import RUNTIMES, TENSORFLOW
from leukemia_tf.serving.signatures import Logits


def logits_on(runtime: str, model: keras.Model) -> Logits:
    """Return the function that computes a network's logits on a runtime, at float32.

    Parameters
    ----------
    runtime : str
        `tensorflow`, or a name of `RUNTIMES`.
    model : keras.Model
        A network of this package. It stays as it is; the function keeps its present weights.

    Returns
    -------
    callable
        Cells, uint8 [n, size, size, 3] for each of the network's inputs -> float32 [n, 1].
    """
    model = fuse_batch_normalization(model)
    if runtime == TENSORFLOW:
        to_logit = logit_model(model)
        weights = [
            [variable.numpy() for variable in variables]
            for variables in (to_logit.trainable_variables, to_logit.non_trainable_variables)
        ]
        # As constants they need not be read and checked for each batch.
        return lambda cells: to_logit.stateless_call(*weights, as_inputs(cells), training=False)[0]

    with TemporaryDirectory() as folder:
        session = RUNTIMES[runtime].open(write_network(model, runtime, Path(folder)))
    names, lock = [tensor.name for tensor in model.inputs], Lock()

    def run(*cells: np.ndarray) -> np.ndarray:
        with lock:
            return session(dict(zip(names, cells)))

    def logits(cells: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(run, cells, tf.float32, stateful=False), [None, 1])

    return logits


def write_network(model: keras.Model, runtime: str, folder: Path) -> Path:
    """Write a network in a runtime's format, and `interface.json`, which describes its inputs and outputs.

    Parameters
    ----------
    model : keras.Model
        A network of this package. Its layers compute at float32 from now on.
    runtime : str
        A name of `RUNTIMES`.
    folder : pathlib.Path
        Where to.

    Returns
    -------
    pathlib.Path
        The file: uint8 [n, size, size, 3] for each input -> `logit` and `probability`, float32 [n, 1].
    """
    for network in {id(one): one for one in (model, *members_of(model))}.values():
        for layer in network.layers:
            layer.dtype_policy = "float32"
    outputs = {LOGIT: model.get_layer(LOGIT).output, PROBABILITY: model.output}
    both = keras.Model(model.input, outputs, name=model.name)
    both(model.input)  # the exporters take no model that was never called
    path = folder / RUNTIMES[runtime].file
    RUNTIMES[runtime].write(both, path)
    write_json(folder / "interface.json", _interface(model))
    return path


def _interface(model: keras.Model) -> dict[str, Any]:
    """Return a description of an exported network for users without this package."""
    calibration = get_calibration(model)
    inputs = [
        {"name": tensor.name, "dtype": "uint8", "shape": ["n", *tensor.shape[1:]], "preprocessing": settings}
        for tensor, settings in zip(model.inputs, preprocessings_of(model))
    ]
    return {
        "inputs": inputs,
        "outputs": {"logit": ["n", 1], "probability": ["n", 1]},
        "probability": f"of leukemic: sigmoid(logit / {calibration.temperature})",
        "temperature": calibration.temperature,
        "threshold": calibration.threshold,
        "labels": {str(code): label for code, label in CODES.items()},
        "not_carried": "decoding, framing, resizing, contrast, and the check for cells unlike the training's: "
        "give cells, RGB of 0-255, as `preprocessing` says.",
    }
