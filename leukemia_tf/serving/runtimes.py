"""A network on a runtime: TensorFlow, or one that takes what Keras's exporters write."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.files import write_json
from leukemia_tf.training.devices import usable_cores

if TYPE_CHECKING:
    import keras
    import numpy as np
    import tensorflow as tf

    Logits = Callable[[Sequence[tf.Tensor]], tf.Tensor]

TENSORFLOW, SAVED_MODEL = "tensorflow", "tf_saved_model"
FILES = {"onnx": "model.onnx", "openvino": "model.xml", "litert": "model.tflite"}
PACKAGES = {"onnx": ("onnxruntime", "tf2onnx"), "openvino": ("openvino",), "litert": ("ai_edge_litert",)}


def check_runtime(flag: str, asked: str, default: str) -> None:
    """Stop at a runtime, or a format, that there is not.

    Raises
    ------
    UserError
        That says what is there, or what to install.
    """
    if asked == default:
        return
    if asked not in FILES:
        raise UserError(f"{flag} {asked}: {nearest(asked, (default, *FILES))}")
    missing = [package for package in PACKAGES[asked] if not find_spec(package)]
    if missing:
        raise UserError(
            f"{flag} {asked}: {' and '.join(missing)} is not installed; pip install 'leukemia_tf[{asked}]'."
        )


def logits_on(runtime: str, model: keras.Model) -> Logits:
    """Return what a network's logits are on a runtime, at float32.

    Parameters
    ----------
    runtime : str
        `tensorflow`, `onnx`, `openvino` or `litert`.
    model : keras.Model
        A network of this package.

    Returns
    -------
    callable
        Cells, uint8 [n, size, size, 3] for each of the network's inputs -> float32 [n, 1].
    """
    import tensorflow as tf

    from leukemia_tf.models.folded import folded
    from leukemia_tf.models.member import as_inputs
    from leukemia_tf.models.network import logit_model

    model = folded(model)
    if runtime == TENSORFLOW:
        to_logit = logit_model(model)
        weights = [
            [variable.numpy() for variable in own]
            for own in (to_logit.trainable_variables, to_logit.non_trainable_variables)
        ]
        # As constants they need not be read and checked for each batch.
        return lambda cells: to_logit.stateless_call(*weights, as_inputs(cells), training=False)[0]

    with TemporaryDirectory() as folder:
        run = _OPENED[runtime](write_network(model, runtime, Path(folder)))
    names, one_by_one = [tensor.name for tensor in model.inputs], Lock()

    def ask(*cells: np.ndarray) -> np.ndarray:
        with one_by_one:
            return run(dict(zip(names, cells)))

    def logits(cells: Sequence[tf.Tensor]) -> tf.Tensor:
        return tf.ensure_shape(tf.numpy_function(ask, cells, tf.float32, stateful=False), [None, 1])

    return logits


def write_network(model: keras.Model, runtime: str, folder: Path) -> Path:
    """Write a network as a runtime takes it, and `interface.json`, which says what to ask and how to read the answer.

    Parameters
    ----------
    model : keras.Model
        A network of this package. Its layers compute at float32 from now on.
    runtime : str
        `onnx`, `openvino` or `litert`.
    folder : pathlib.Path
        Where to.

    Returns
    -------
    pathlib.Path
        The file: uint8 [n, size, size, 3] for each input -> `logit` and `probability`, float32 [n, 1].
    """
    import keras

    from leukemia_tf.models.member import members_of
    from leukemia_tf.models.network import LOGIT, PROBABILITY

    for network in {id(one): one for one in (model, *members_of(model))}.values():
        for layer in network.layers:
            layer.dtype_policy = "float32"
    outputs = {LOGIT: model.get_layer(LOGIT).output, PROBABILITY: model.output}
    both = keras.Model(model.input, outputs, name=model.name)
    both(model.input)  # the exporters take no model that was never called
    path = folder / FILES[runtime]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the converters say of NumPy is not for our users
        both.export(str(path), format=runtime, verbose=False)
    write_json(folder / "interface.json", _interface(model))
    return path


def _interface(model: keras.Model) -> dict:
    """Return what somebody without this package must know to ask an exported network."""
    from leukemia_tf.data.catalog import CODES
    from leukemia_tf.models.network import preprocessings_of
    from leukemia_tf.models.probability import decision_of

    decision = decision_of(model)
    inputs = [
        {"name": tensor.name, "dtype": "uint8", "shape": ["n", *tensor.shape[1:]], "preprocessing": settings}
        for tensor, settings in zip(model.inputs, preprocessings_of(model))
    ]
    return {
        "inputs": inputs,
        "outputs": {"logit": ["n", 1], "probability": ["n", 1]},
        "probability": f"of leukemic: sigmoid(logit / {decision.temperature})",
        "temperature": decision.temperature,
        "threshold": decision.threshold,
        "labels": {str(code): label for code, label in CODES.items()},
        "not_carried": "decoding, framing, resizing, contrast, and the check for cells unlike the training's: "
        "give cells, RGB of 0-255, as `preprocessing` says.",
    }


def _open_onnx(path: Path) -> Callable:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda cells: session.run(["logit"], cells)[0]


def _open_openvino(path: Path) -> Callable:
    import openvino

    # Its default on some processors is bfloat16, which is wrong by 0.09.
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": usable_cores()}
    compiled = openvino.Core().compile_model(path, "CPU", exact)
    return lambda cells: compiled(cells)["logit"]


def _open_litert(path: Path) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path), num_threads=usable_cores()).get_signature_runner()
    return lambda cells: runner(**cells)["logit"].copy()


_OPENED = {"onnx": _open_onnx, "openvino": _open_openvino, "litert": _open_litert}
