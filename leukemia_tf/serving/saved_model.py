"""A network as a SavedModel, as TensorFlow Serving takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from leukemia_tf.core.files import write_json
from leukemia_tf.serving.layout import NOTES
from leukemia_tf.serving.signatures import prediction_function, tensor_function
from leukemia_tf.serving.warm_up import Inputs, sample_cell, write_warm_up


def write_saved_model(
    model: keras.Model,
    folder: Path,
    name: str,
    more: Mapping[str, Callable] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a network into a folder, with warm-up requests.

    The signature `serving_default` is `prediction_function`'s, `tensor` is `tensor_function`'s.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    folder : pathlib.Path
        The version's, empty.
    name : str
        The model's name to the server.
    more : mapping of str to callable, optional
        Other signatures of `image_bytes`, by name: TensorFlow functions of this model.
    notes : mapping, optional
        Properties of those signatures, by name, and of the model, under `model`: values that JSON has. They are written
        beside the model, to `NOTES`.
    """
    of_bytes = {"serving_default": prediction_function(model), **(more or {})}
    archive = keras.export.ExportArchive()
    archive.track(model)
    for signature, function in {**of_bytes, "tensor": tensor_function(model)}.items():
        archive.add_endpoint(signature, function)
    archive.write_out(folder, verbose=False)
    write_json(folder / NOTES, dict(notes or {}))
    cell = sample_cell()
    content = [tf.io.encode_png(cell).numpy()]
    requests: dict[str, Inputs] = {"tensor": {"image": cell[None]}}
    requests |= {signature: {"image_bytes": content} for signature in of_bytes}
    write_warm_up(folder, name, requests)
