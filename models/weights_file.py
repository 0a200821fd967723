"""Reading a weights file: what it holds, layer by layer, whichever of Keras's formats it has."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

from leukemia_tf.errors import WeightsError
from leukemia_tf.models.base import plain_names

INSIDE_KERAS = "model.weights.h5"


def read_weights(path: Path) -> dict[str, list[np.ndarray]]:
    """Read a weights file.

    Parameters
    ----------
    path : pathlib.Path
        Keras's HDF5 by layer (`.h5`), `.weights.h5`, or `.keras`.

    Returns
    -------
    dict
        For each layer with weights, by its name and in the file's order, its arrays in Keras's order.

    Raises
    ------
    WeightsError
        If the file is missing, or is no weights file.
    """
    try:
        content = zipfile.ZipFile(path).read(INSIDE_KERAS) if zipfile.is_zipfile(path) else Path(path).read_bytes()
        with h5py.File(io.BytesIO(content), "r") as file:
            held = _by_attribute(file.get("model_weights", file)) or _by_variables(file)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        reason = "no such file" if not Path(path).is_file() else f"it is no weights file of Keras ({error})"
        raise WeightsError(f"--weights {path}: {reason}. It takes imagenet, none, or a file.") from None
    if not held:
        raise WeightsError(f"--weights {path}: it holds no layer's weights. It takes imagenet, none, or a file.")
    return dict(zip(plain_names(list(held)), held.values(), strict=True))


def _by_attribute(file: h5py.Group) -> dict[str, list[np.ndarray]]:
    """Read the older format, where the file names its layers and a layer's group names its arrays."""
    held = {}
    for name in _texts(file, "layer_names"):
        names = _texts(file[name], "weight_names")
        if names:
            held[name] = [np.asarray(file[name][text]) for text in names]
    return held


def _texts(group: h5py.Group, key: str) -> list[str]:
    return [text.decode() if isinstance(text, bytes) else str(text) for text in group.attrs.get(key, ())]


def _by_variables(file: h5py.Group) -> dict[str, list[np.ndarray]]:
    """Read the newer format, where `vars` holds a layer's numbered arrays and its name."""
    held = {}

    def look(path: str, group: object) -> None:
        if path.endswith("vars") and isinstance(group, h5py.Group) and len(group) and "name" in group.attrs:
            held.setdefault(str(group.attrs["name"]), [np.asarray(group[key]) for key in sorted(group, key=int)])

    file.visititems(look)
    return held
