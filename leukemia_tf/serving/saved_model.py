"""Writing a SavedModel in TensorFlow Serving's layout: NAME/VERSION/saved_model.pb."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import keras

from leukemia_tf.serving.answers import answer_function


def next_version(folder: Path) -> int:
    """Return the number after the highest version in a model's folder; 1 in an empty one."""
    taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
    return max(taken, default=0) + 1


def write_saved_model(model: keras.Model, folder: Path, more: Mapping[str, Callable] | None = None) -> Path:
    """Write the next version of a model below `folder`, whole or not at all.

    The signature `serving_default` is `answer_function`'s.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    folder : pathlib.Path
        The model's folder, which a server watches.
    more : mapping of str to callable, optional
        Other signatures, by name: TensorFlow functions of this model.

    Returns
    -------
    pathlib.Path
        `folder/VERSION`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".writing-"))
    try:
        archive = keras.export.ExportArchive()
        archive.track(model)
        for name, function in {"serving_default": answer_function(model), **(more or {})}.items():
            archive.add_endpoint(name, function)
        archive.write_out(scratch, verbose=False)
        scratch.chmod(0o755)
        version = folder / str(next_version(folder))
        os.replace(scratch, version)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return version
