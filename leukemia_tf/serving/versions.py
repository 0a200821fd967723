"""The versions of an exported model: the newest is served, and newer ones are picked up while it is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from leukemia_tf.core.errors import UserError
from leukemia_tf.core.files import read_json
from leukemia_tf.serving.layout import NOTES
from leukemia_tf.serving.rest import IMAGE_BYTES, Values

log = logging.getLogger("leukemia_tf")

SECONDS = 1.0  # between two checks for a new version


class Signature(Protocol):
    """A signature of a SavedModel, as TensorFlow loads it."""

    structured_input_signature: tuple[tuple, dict[str, tf.TensorSpec]]
    structured_outputs: dict[str, tf.TensorSpec]

    def __call__(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Compute the outputs."""


@dataclass(frozen=True)
class Version:
    """A loaded version.

    Parameters
    ----------
    number : int
        Its folder's name.
    signatures : dict of str to Signature
        By name.
    inputs : dict of str to str
        The name of each one's input.
    loaded : Any
        TensorFlow's object, which keeps the variables alive.
    notes : dict
        What its export says of its signatures, by name, and of the model, under `model`.
    """

    number: int
    signatures: dict[str, Signature]
    inputs: dict[str, str]
    loaded: Any
    notes: dict[str, Any]

    def predict(self, signature: str, values: Values) -> dict[str, np.ndarray]:
        """Compute one of its signatures: image files or uint8 [n, h, w, 3] -> arrays of [n]."""
        outputs = self.signatures[signature](**{self.inputs[signature]: tf.constant(values)})
        return {name: value.numpy() for name, value in sorted(outputs.items())}

    def metadata(self) -> dict[str, dict]:
        """Return its signatures as TensorFlow Serving's metadata describe them."""
        return {
            name: {
                "inputs": _tensors(signature.structured_input_signature[1]),
                "outputs": _tensors(signature.structured_outputs),
                "method_name": "tensorflow/serving/predict",
            }
            for name, signature in self.signatures.items()
        }


def _tensors(specs: Mapping[str, tf.TensorSpec]) -> dict[str, dict]:
    return {
        name: {
            "dtype": f"DT_{tf.as_dtype(spec.dtype).name.upper()}",
            "tensor_shape": {"dim": [{"size": str(-1 if side is None else side), "name": ""} for side in spec.shape]},
            "name": name,
        }
        for name, spec in specs.items()
    }


def list_versions(folder: Path) -> list[int]:
    """Return the numbers of the complete versions in a model's folder, in order."""
    complete = [path for path in folder.glob("*/saved_model.pb") if path.parent.name.isdecimal()]
    return sorted(int(path.parent.name) for path in complete)


def load_version(folder: Path, number: int) -> Version:
    """Load a version and call its signatures for image files once, so that the first request is not slow."""
    loaded = tf.saved_model.load(folder / str(number))
    signatures = dict(loaded.signatures)
    inputs = {name: next(iter(one.structured_input_signature[1])) for name, one in signatures.items()}
    notes = folder / str(number) / NOTES
    version = Version(number, signatures, inputs, loaded, read_json(notes) if notes.is_file() else {})
    for name, input_name in inputs.items():
        if input_name == IMAGE_BYTES:
            version.predict(name, [b""])
    return version


class WatchedModel:
    """A model's newest version; `start` checks for newer ones in a background thread, until `stop`.

    Parameters
    ----------
    folder : pathlib.Path
        With one folder per version; its name is the model's.

    Raises
    ------
    UserError
        If there is no version, or if the newest cannot be loaded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.resolve().name
        versions = list_versions(folder) if folder.is_dir() else []
        if not versions:
            raise UserError(
                f"{folder} has no version of a model: it must hold 1/saved_model.pb, as `export` writes it."
            )
        try:
            self.version = load_version(folder, versions[-1])
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise UserError(f"{folder / str(versions[-1])} cannot be loaded: {str(error).splitlines()[0]}") from None
        self._failed: set[int] = set()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start checking for newer versions."""
        threading.Thread(target=self._check, name="versions", daemon=True).start()

    def stop(self) -> None:
        """Stop checking."""
        self._stopped.set()

    def _check(self) -> None:
        while not self._stopped.wait(SECONDS):
            newest = max(set(list_versions(self.folder)) - self._failed, default=self.version.number)
            if newest <= self.version.number:
                continue
            try:
                self.version = load_version(self.folder, newest)
                log.info("version %d is served from now on", newest)
            except (OSError, ValueError, tf.errors.OpError) as error:
                self._failed.add(newest)
                log.error("version %d cannot be loaded, and %d stays: %s", newest, self.version.number, error)
