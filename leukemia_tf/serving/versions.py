"""A version of an exported model: loading it, computing it, and describing it as TensorFlow Serving does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from leukemia_tf.core.files import read_json
from leukemia_tf.serving.layout import NOTES
from leukemia_tf.serving.rest import IMAGE_BYTES, Values

GRAPH = "saved_model.pb"  # a folder with it is a version


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
    metadata : dict
        Its signatures as TensorFlow Serving's metadata describe them.
    """

    number: int
    signatures: dict[str, Signature]
    inputs: dict[str, str]
    loaded: Any
    notes: dict[str, Any]
    metadata: dict[str, Any]

    def predict(self, signature: str, values: Values) -> dict[str, np.ndarray]:
        """Compute one of its signatures: image files or uint8 [n, h, w, 3] -> arrays of [n]."""
        outputs = self.signatures[signature](**{self.inputs[signature]: tf.constant(values)})
        return {name: value.numpy() for name, value in sorted(outputs.items())}


def list_versions(folder: Path) -> list[int]:
    """Return the numbers of the complete versions in a model's folder, in order."""
    complete = [path for path in folder.glob(f"*/{GRAPH}") if path.parent.name.isdecimal()]
    return sorted(int(path.parent.name) for path in complete)


def load_version(folder: Path, number: int) -> Version:
    """Load a version and call its signatures for image files once, so that the first request is not slow."""
    loaded = tf.saved_model.load(folder / str(number))
    signatures = dict(loaded.signatures)
    inputs = {name: next(iter(one.structured_input_signature[1])) for name, one in signatures.items()}
    notes = folder / str(number) / NOTES
    described = _signatures(folder / str(number) / GRAPH)
    version = Version(number, signatures, inputs, loaded, read_json(notes) if notes.is_file() else {}, described)
    for name, input_name in inputs.items():
        if input_name == IMAGE_BYTES:
            version.predict(name, [b""])
    return version


def _signatures(graph: Path) -> dict[str, Any]:
    """Return the signatures in a SavedModel's file in the form of TensorFlow Serving, protobuf's own JSON."""
    definitions = SavedModel.FromString(graph.read_bytes()).meta_graphs[0].signature_def
    options = {"preserving_proto_field_name": True, "always_print_fields_with_no_presence": True}
    return {name: MessageToDict(definition, **options) for name, definition in sorted(definitions.items())}
