"""A network: one flat functional graph from uint8 cells to a probability."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
from keras import layers

from leukemia_tf.core.errors import ArgumentError, RunError, nearest
from leukemia_tf.models.architecture import Architecture, network_name
from leukemia_tf.models.base import build_base
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.description import blocks_of, describe_network
from leukemia_tf.models.head_layers import add_head
from leukemia_tf.models.heads import HEADS, Head, HeadFunction, as_head
from leukemia_tf.models.layer_names import INPUT, LOGIT, SCALE
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network_file import file_problem
from leukemia_tf.models.probability import get_calibration

UNLOADABLE = (OSError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, MemoryError, BadZipFile)
FRESH_MOMENTUM = 0.9  # of BatchNormalization that starts at random: Keras's 0.99 needs hundreds of steps to settle


def build_network(
    architecture: Architecture,
    drop_blocks: int = 0,
    preprocessing: dict | None = None,
    head: Head | HeadFunction | None = None,
    cut: str | None = None,
) -> keras.Model:
    """Build a network with random weights.

    Parameters
    ----------
    architecture : Architecture
        A record of the table.
    drop_blocks : int
        How many of the backbone's last blocks are left out.
    preprocessing : dict, optional
        Settings that travel with the network; `image_size` (pixels) among them gives the input's side. By default
        the architecture's own size.
    head : Head or callable, optional
        By default the architecture's own, for the whole or the truncated backbone. A callable takes the last maps'
        mean, a Keras tensor [n, f], and returns the features in front of the logit, a Keras tensor [n, k]: the Dense
        layer of the logit and the probability are added to it. Other poolings: `Head(pooling=…, function=…)`. Custom
        layers in it have to be registered with Keras, or the saved network does not load.
    cut : str, optional
        A layer of the backbone, or one of its blocks, that it ends at instead.

    Returns
    -------
    keras.Model
        uint8 [n, size, size, 3] (RGB, 0-255) -> float32 [n, 1], the probability of `all`.

    Raises
    ------
    ArgumentError
        If the size is too small for the backbone, or if it cannot be truncated so.
    """
    preprocessing = preprocessing or {"image_size": architecture.image_size}
    size = preprocessing["image_size"]
    cell = keras.Input((size, size, 3), dtype="uint8", name=INPUT)
    scale = CellInput(architecture.scaling, preprocessing, name=SCALE)
    base, blocks = build_base(architecture, scale(cell), drop_blocks, cut)
    head = as_head(head or HEADS[architecture.cut_head if drop_blocks or cut else architecture.head])
    head = replace(head, depths=min(head.depths, len(blocks)))
    last = blocks[-1].last if cut else None
    name = network_name(architecture, drop_blocks, last).replace("-", "_")
    model = keras.Model(cell, add_head(base, blocks, head, cell), name=name)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = FRESH_MOMENTUM
    scale.network = describe_network(architecture, drop_blocks, last, head, blocks)
    return model


def logit_model(model: keras.Model) -> keras.Model:
    """Return the network up to its logit, on the same layers: uint8 [n, size, size, 3] -> float32 [n, 1]."""
    return keras.Model(model.input, model.get_layer(LOGIT).output)


def preprocessing_of(model: keras.Model) -> dict:
    """Return the settings of the preprocessing that a network stores."""
    return dict(model.get_layer(SCALE).preprocessing)


def preprocessings_of(model: keras.Model) -> list[dict]:
    """Return these settings for each input: of an ensemble one per member."""
    return [preprocessing_of(member) for member in members_of(model)]


def load_network(path: Path) -> keras.Model:
    """Load a network from a `.keras` file, in Keras's safe mode: nothing in the file is run.

    Raises
    ------
    RunError
        If the file is no network of this package.
    """
    problem = file_problem(path) if Path(path).is_file() else "there is no such file"
    if problem:
        raise RunError(f"{path} is not a network of this package ({problem}).")
    try:
        with warnings.catch_warnings(record=True) as caught:
            model = keras.saving.load_model(path, compile=False, safe_mode=True)
        preprocessings_of(model)
        get_calibration(model)
    except UNLOADABLE as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise RunError(f"{path} is not a network of this package ({reason}).") from None
    for warning in caught:  # of a file that loads; of another the error says enough
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return model


def predict_logits(model: keras.Model, batches: Any) -> np.ndarray:
    """Return the logit of each cell.

    Parameters
    ----------
    model : keras.Model
        A network, or its `logit_model`.
    batches : array, dataset or list
        What `keras.Model.predict` takes: uint8 [n, size, size, 3], or batches of it; for an ensemble a list of these,
        one per member.

    Returns
    -------
    numpy.ndarray
        float32 [n].
    """
    model = model if model.output_names == [LOGIT] else logit_model(model)
    return model.predict(batches, verbose=0)[:, 0]


def explained_layer(model: keras.Model, layer: str | None = None) -> str:
    """Return the name of the layer whose maps a class-activation map weights.

    Parameters
    ----------
    model : keras.Model
        A network.
    layer : str, optional
        A layer's or a block's name; by default the last convolutional layer of the backbone whose maps have more than
        one pixel.

    Raises
    ------
    ArgumentError
        If there is no such layer, or one without maps; it suggests the nearest names.
    """
    ends = {block.name: block.explain or block.last for block in blocks_of(model)}
    names = [each.name for each in model.layers]
    with_maps = [each.name for each in model.layers[names.index(SCALE) :] if _has_maps(each)]
    with_pixels = [end for end in ends.values() if end in with_maps] or list(ends.values())
    name = ends.get(layer, layer) if layer else with_pixels[-1]
    if name not in with_maps:
        problem = "its output is no stack of maps" if name in names else "no such layer"
        raise ArgumentError("layer", layer, f"{problem} in {model.name}; {nearest(name, [*ends, *with_maps])}")
    return name


def _has_maps(layer: keras.layers.Layer) -> bool:
    """Return whether a layer's output is a stack of maps, [n, h, w, c] with more than one pixel."""
    shape = tuple(getattr(layer.output, "shape", ()))
    return len(shape) == 4 and shape[1] * shape[2] > 1
