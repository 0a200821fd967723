"""Predictions and heat maps of one network, for image files and for images in memory."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import BadImageError, UserError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.explain.frame import frame_of
from leukemia_tf.explain.maps import Explainer, explainer, mean_map
from leukemia_tf.explain.methods import DEFAULT
from leukemia_tf.inference.batches import predict_arrays, predict_paths
from leukemia_tf.models.network import load_network, preprocessings_of
from leukemia_tf.models.probability import get_calibration
from leukemia_tf.runs.open_runs import network_file
from leukemia_tf.serving.runtime_networks import logits_on
from leukemia_tf.serving.runtimes import TENSORFLOW
from leukemia_tf.serving.signatures import prediction_function, tensor_function

Model: TypeAlias = keras.Model | str | os.PathLike[str]
Image: TypeAlias = np.ndarray | str | os.PathLike[str]

TAKES = {
    "image": "it takes an image file, or an array of uint8 [height, width, 3] (RGB, 0-255).",
    "images": "it takes image files, or arrays of uint8 [height, width, 3] or [n, height, width, 3] (RGB, 0-255).",
}


class Predictor:
    """Predict images, and show where in them a network looks.

    Files and arrays give the same results: decoding, framing and scaling are those of training and of the SavedModel.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        A network of this package or an ensemble, its `.keras` file, or a run (its folder, or a `Run`). A model that is
        trained further needs a new Predictor.

    Raises
    ------
    UserError
        If it is none of these.

    Examples
    --------
    A small network with random weights and phantom cells stand in for a trained run and photographs:

    >>> from leukemia_tf.data.synthetic import draw_cells
    >>> from leukemia_tf.models.network import build_network
    >>> from leukemia_tf.models.table import find_architecture
    >>> model = build_network(find_architecture("scratch"), preprocessing={"image_size": 64})
    >>> cells = [image for _, image in draw_cells(patients=1, cells=2, seed=0, side=120)]
    >>> predictor = Predictor(model)
    >>> first, *others = predictor.predict(cells)
    >>> first.path, first.status, 0 <= first.probability <= 1
    ('image 0', 'ok', True)
    >>> heat = predictor.heat_map(cells[0])
    >>> heat.shape, heat.dtype
    ((120, 120), dtype('float32'))
    """

    def __init__(self, model: Model) -> None:
        self.model = _network(model)
        logits = logits_on(TENSORFLOW, self.model)
        self._predict_files = prediction_function(self.model, logits)
        self._predict_arrays = tensor_function(self.model, logits)
        self._explainers: dict[tuple[str, str | None], Explainer] = {}

    def predict(self, images: Image | Iterable[Image]) -> list[Prediction]:
        """Predict one or several images.

        Parameters
        ----------
        images : path, array, or several
            Image files, folders of them, or patterns such as `cells/*.bmp`; or original photographs in memory: uint8
            [height, width, 3] or [n, height, width, 3], RGB, 0-255, or a list of them of any sizes.

        Returns
        -------
        list of Prediction
            One per image, in the same order. An unreadable file has the `status` `unreadable` and a `reason`; the
            `path` of an image in memory is `image 0`, `image 1` and so on.

        Raises
        ------
        UserError
            If there are no such files, or if something else was received.
        """
        files, arrays = _files_and_arrays(images, "images")
        files = find_images(files) if files else []
        rows, total = self._rows(files, arrays), len(files) + len(arrays)
        return list(progress_bar(rows, total=total, title="predicting", unit="cell", disable=total < 2))

    def _rows(self, files: Sequence[Path], arrays: Sequence[np.ndarray]) -> Iterator[Prediction]:
        return predict_paths(self._predict_files, files) if files else predict_arrays(self._predict_arrays, arrays)

    def heat_map(self, image: Image, method: str = DEFAULT, layer: str | None = None) -> np.ndarray:
        """Map where an image supports its prediction.

        Parameters
        ----------
        image : path or array
            An image file, or an original photograph in memory: uint8 [height, width, 3], RGB, 0-255.
        method : str
            A name of `leukemia_tf.explain.methods.METHODS`.
        layer : str, optional
            A layer or a block; by default all depths that the head reads, their maps added.

        Returns
        -------
        numpy.ndarray
            float32 [height, width] of 0-1, in the original's pixels; of an ensemble the members' mean. 0 everywhere if
            nothing supports the prediction.

        Raises
        ------
        UserError
            If the image cannot be used, or if there is no such method or layer.
        """
        key = (method, layer)
        if key not in self._explainers:
            self._explainers[key] = explainer(self.model, method, layer)
        files, arrays = _files_and_arrays(image, "image")
        if len(files) + len(arrays) != 1:
            raise _refusal("image", image, TAKES["image"])
        (photograph,), (prediction,) = files or arrays, self._rows(files, arrays)
        if prediction.probability is None:
            raise BadImageError(prediction.path, prediction.reason)
        (maps,) = self._explainers[key]([frame_of(self.model, photograph, prediction)])
        return mean_map(maps)


def heat_map(model: Model, image: Image, method: str = DEFAULT, layer: str | None = None) -> np.ndarray:
    """Map where an image supports a network's prediction; for several images, use one `Predictor`.

    Parameters
    ----------
    model : keras.Model, str or os.PathLike
        As `Predictor` takes it.
    image, method, layer
        As `Predictor.heat_map` takes them.

    Returns
    -------
    numpy.ndarray
        float32 [height, width] of 0-1, in the original's pixels.
    """
    return Predictor(model).heat_map(image, method, layer)


def _network(model: Model) -> keras.Model:
    """Return a network of this package, loaded if it is not."""
    if isinstance(model, (str, os.PathLike)):
        return load_network(network_file(Path(model)))
    try:
        preprocessings_of(model)
        get_calibration(model)
    except (ValueError, AttributeError, IndexError):
        takes = "it takes a network of this package, its .keras file, or a run folder."
        raise _refusal("model", model, takes) from None
    return model


def _files_and_arrays(images: Any, name: str) -> tuple[list[Path], list[np.ndarray]]:
    """Return images as files or as arrays of one image each; one of the lists is empty."""
    items = images
    if isinstance(images, (str, os.PathLike, np.ndarray)) or tf.is_tensor(images):
        items = [images]
    if not isinstance(items, Iterable) or isinstance(items, (bytes, Mapping)):
        raise _refusal(name, images, TAKES[name])
    items = list(items)
    if all(isinstance(item, (str, os.PathLike)) for item in items):
        return [Path(item) for item in items], []
    return [], [image for item in items for image in _stack(item, name)]


def _stack(images: Any, name: str) -> np.ndarray:
    """Return one or several images of one size as uint8 [n, height, width, 3]."""
    if tf.is_tensor(images):
        images = images.numpy()
    if isinstance(images, np.ndarray):
        stack = images if images.ndim == 4 else images[np.newaxis]
        if stack.dtype == np.uint8 and stack.ndim == 4 and stack.shape[3] == 3 and min(stack.shape[1:]) > 0:
            return stack
    raise _refusal(name, images, TAKES[name])


def _refusal(name: str, received: Any, takes: str) -> UserError:
    """Return the error for a value of the wrong kind; it describes an array by its dtype and shape."""
    shown = f"{type(received).__name__} {reprlib.repr(received)}"
    if isinstance(received, np.ndarray):
        shown = f"an array of {received.dtype}, shape {list(received.shape)}"
    return UserError(f"`{name}`: {takes} Received: {shown}")
