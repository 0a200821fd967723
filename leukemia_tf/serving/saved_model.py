"""Writing a SavedModel in TensorFlow Serving's layout: NAME/VERSION/saved_model.pb."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import tensorflow as tf

from leukemia_tf.serving.answers import answer_function, tensor_function
from leukemia_tf.serving.warm_up import a_cell, write_warm_up


def next_version(folder: Path) -> int:
    """Return the number after the highest version in a model's folder; 1 in an empty one."""
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
    return max(taken, default=0) + 1


def write_saved_model(
    model: keras.Model, folder: Path, more: Mapping[str, Callable] | None = None, files: Sequence[Path] = ()
) -> Path:
    """Write the next version of a model below `folder`, whole or not at all, with warm-up requests.

    The signature `serving_default` is `answer_function`'s, `tensor` is `tensor_function`'s.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    folder : pathlib.Path
        The model's folder, which a server watches; its name is the model's to the server.
    more : mapping of str to callable, optional
        Other signatures of `image_bytes`, by name: TensorFlow functions of this model.
    files : sequence of pathlib.Path
        What is laid beside it, for people.

    Returns
    -------
    pathlib.Path
        `folder/VERSION`.
    """
    of_bytes = {"serving_default": answer_function(model), **(more or {})}
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".writing-"))
    try:
        archive = keras.export.ExportArchive()
        archive.track(model)
        for name, function in {**of_bytes, "tensor": tensor_function(model)}.items():
            archive.add_endpoint(name, function)
        archive.write_out(scratch, verbose=False)
        cell = a_cell()
        content = [tf.io.encode_png(cell).numpy()]
        asked = {"tensor": {"image": cell[None]}, **{key: {"image_bytes": content} for key in of_bytes}}
        write_warm_up(scratch, folder.resolve().name, asked)
        for file in files:
            shutil.copy(file, scratch)
        scratch.chmod(0o755)
        version = folder / str(next_version(folder))
        os.replace(scratch, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return version
