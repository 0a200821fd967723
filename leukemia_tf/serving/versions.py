"""The newest version of an exported model, kept up to date while it is served."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from leukemia_tf.errors import UserError

log = logging.getLogger("leukemia_tf")

SECONDS = 1.0  # between two looks for a new version


@dataclass(frozen=True)
class Version:
    """A loaded version.

    Parameters
    ----------
    number : int
        Its folder's name.
    signatures : dict of str to callable
        By name.
    inputs : dict of str to str
        The name of each one's input.
    loaded : object
        What keeps its variables alive.
    """

    number: int
    signatures: dict[str, Callable]
    inputs: dict[str, str]
    loaded: object

    def ask(self, signature: str, values: object) -> dict[str, np.ndarray]:
        """Ask one of its functions: image files or uint8 [n, h, w, 3] -> arrays of [n]."""
        answer = self.signatures[signature](**{self.inputs[signature]: tf.constant(values)})
        return {name: value.numpy() for name, value in sorted(answer.items())}

    def described(self) -> dict[str, dict]:
        """Return its signatures as TensorFlow Serving's metadata have them."""
        return {
            name: {
                "inputs": _tensors(function.structured_input_signature[1]),
                "outputs": _tensors(function.structured_outputs),
                "method_name": "tensorflow/serving/predict",
            }
            for name, function in self.signatures.items()
        }


def _tensors(specs: dict[str, tf.TensorSpec]) -> dict[str, dict]:
    return {
        name: {
            "dtype": f"DT_{tf.as_dtype(spec.dtype).name.upper()}",
            "tensor_shape": {"dim": [{"size": str(-1 if side is None else side), "name": ""} for side in spec.shape]},
            "name": name,
        }
        for name, spec in specs.items()
    }


def numbers(folder: Path) -> list[int]:
    """Return which versions lie in a model's folder, whole, in order."""
    found = [path for path in folder.glob("*/saved_model.pb") if path.parent.name.isdecimal()]
    return sorted(int(path.parent.name) for path in found)


def load(folder: Path, number: int) -> Version:
    """Load a version and ask each of its functions for image files once, so that no user waits for that."""
    loaded = tf.saved_model.load(folder / str(number))
    signatures = dict(loaded.signatures)
    inputs = {name: next(iter(one.structured_input_signature[1])) for name, one in signatures.items()}
    version = Version(number, signatures, inputs, loaded)
    for name, of in inputs.items():
        if of == "image_bytes":
            version.ask(name, [b""])
    return version


class Watched:
    """A model's newest version; `start` looks for newer ones in a thread of its own, until `stop`.

    Parameters
    ----------
    folder : pathlib.Path
        With a folder a version; its name is the model's.

    Raises
    ------
    UserError
        If there is no version, or if the newest cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.resolve().name
        found = numbers(folder) if folder.is_dir() else []
        if not found:
            raise UserError(
                f"{folder} has no version of a model: it must hold 1/saved_model.pb, as `export` writes it."
            )
        try:
            self.version = load(folder, found[-1])
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise UserError(f"{folder / str(found[-1])} cannot be loaded: {str(error).splitlines()[0]}") from None
        self._failed: set[int] = set()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to look for newer versions."""
        threading.Thread(target=self._look, name="versions", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _look(self) -> None:
        while not self._stopped.wait(SECONDS):
            newest = max(set(numbers(self.folder)) - self._failed, default=self.version.number)
            if newest <= self.version.number:
                continue
            try:
                self.version = load(self.folder, newest)
                log.info("version %d is served from now on", newest)
            except (OSError, ValueError, tf.errors.OpError) as error:
                self._failed.add(newest)
                log.error("version %d cannot be loaded, and %d stays: %s", newest, self.version.number, error)
