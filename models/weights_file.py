"""Reading a weights file in any of Keras's formats."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

from leukemia_tf.core.errors import WeightsError
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
            arrays = _by_attribute(file.get("model_weights", file)) or _by_variables(file)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        reason = f"not a weights file of Keras ({error})" if Path(path).is_file() else "no such file"
        raise _refused(path, reason) from None
    if not arrays:
        raise _refused(path, "a file without any layer's weights")
    return dict(zip(plain_names(list(arrays)), arrays.values(), strict=True))


def _refused(path: Path, reason: str) -> WeightsError:
    return WeightsError(f"`weights`: {reason}; it takes imagenet, none, or a file. Received: weights={path}")


def _by_attribute(file: h5py.Group) -> dict[str, list[np.ndarray]]:
    """Read the older format: the file's attributes name its layers, a layer's group names its arrays."""
    arrays = {}
    for name in _texts(file, "layer_names"):
        names = _texts(file[name], "weight_names")
        if names:
            arrays[name] = [np.asarray(file[name][text]) for text in names]
    return arrays


def _texts(group: h5py.Group, key: str) -> list[str]:
    return [text.decode() if isinstance(text, bytes) else str(text) for text in group.attrs.get(key, ())]


def _by_variables(file: h5py.Group) -> dict[str, list[np.ndarray]]:
    """Read the newer format: `vars` holds a layer's numbered arrays and its name."""
    arrays: dict[str, list[np.ndarray]] = {}

    def visit(path: str, group: h5py.Group | h5py.Dataset) -> None:
        if path.endswith("vars") and isinstance(group, h5py.Group) and len(group) and "name" in group.attrs:
            arrays.setdefault(str(group.attrs["name"]), [np.asarray(group[key]) for key in sorted(group, key=int)])

    file.visititems(visit)
    return arrays
