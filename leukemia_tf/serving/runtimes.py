"""The table of runtimes, and of the export formats that they take.

A new export format is one record here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.models.layer_names import LOGIT
from leukemia_tf.training.devices import usable_cores

TENSORFLOW, SAVED_MODEL = "tensorflow", "tf_saved_model"

Session = Callable[[Mapping[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Runtime:
    """A runtime, and the format that it takes.

    Parameters
    ----------
    name : str
        Of the format, as `export` takes it, of the runtime, as `predict` takes it, and of the extra of this package.
    file : str
        The exported file's name.
    packages : tuple of str
        What must be installed to write the file and to run it.
    write : callable
        A network and a path -> writes the file.
    open : callable
        The file's path -> a function from cells by the input's name, uint8 [n, size, size, 3] each, to logits, float32
        [n, 1].
    """

    name: str
    file: str
    packages: tuple[str, ...]
    write: Callable[[keras.Model, Path], None]
    open: Callable[[Path], Session]


def _keras_exporter(name: str) -> Callable[[keras.Model, Path], None]:
    """Return the function that writes one of Keras's export formats."""

    def write(model: keras.Model, path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converters' warnings about NumPy are not for our users
            model.export(str(path), format=name, verbose=False)

    return write


def _open_onnx(path: Path) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda cells: session.run([LOGIT], cells)[0]


def _open_openvino(path: Path) -> Session:
    import openvino

    # Its default on some processors is bfloat16, which is wrong by 0.09.
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": usable_cores()}
    compiled = openvino.Core().compile_model(path, "CPU", exact)
    return lambda cells: compiled(cells)[LOGIT]


def _open_litert(path: Path) -> Session:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(str(path), num_threads=usable_cores()).get_signature_runner()
    return lambda cells: runner(**cells)[LOGIT].copy()


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("onnx", "model.onnx", ("onnxruntime", "tf2onnx"), _keras_exporter("onnx"), _open_onnx),
        Runtime("openvino", "model.xml", ("openvino",), _keras_exporter("openvino"), _open_openvino),
        Runtime("litert", "model.tflite", ("ai_edge_litert",), _keras_exporter("litert"), _open_litert),
    )
}


def check_runtime(argument: str, received: str, default: str) -> None:
    """Stop at a runtime, or a format, that does not exist or is not installed.

    Parameters
    ----------
    argument : str
        The argument's name, `runtime` or `format`.
    received : str
        Its value: a name of `RUNTIMES`, or the default.
    default : str
        The name that needs nothing else.

    Raises
    ------
    ArgumentError
        That names the choices, or the packages to install.
    """
    if received == default:
        return
    if received not in RUNTIMES:
        raise ArgumentError(argument, received, nearest(received, (default, *RUNTIMES)))
    missing = [package for package in RUNTIMES[received].packages if not find_spec(package)]
    if missing:
        install = f"pip install 'leukemia_tf[{received}]'"
        raise ArgumentError(argument, received, f"{' and '.join(missing)} is not installed; {install}.")
