"""What each convolutional and pooling layer responds to in a cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import keras
import numpy as np

from leukemia_tf.models.network import explained_layer

MOST_ACTIVE = 16  # feature maps of a layer that are drawn
ZONES = ("inside", "edge", "outside")


def spatial_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the convolutional and pooling layers with feature maps, from input to output."""
    kinds = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.MaxPooling2D,
        keras.layers.AveragePooling2D,
    )
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def activations(model: keras.Model, cell: np.ndarray, names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Return the feature maps of layers for one cell: float32 [h, w, filters] by the layer's name.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    cell : numpy.ndarray
        uint8 [1, size, size, 3].
    names : sequence of str
        Layers or blocks; by default those of `spatial_layers`.

    Raises
    ------
    ArgumentError
        If there is no such layer, or one without maps.
    """
    chosen = [model.get_layer(explained_layer(model, name)) for name in dict.fromkeys(names)]
    layers = chosen or spatial_layers(model)
    outputs = keras.Model(model.input, [layer.output for layer in layers])(cell, training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    arrays = (keras.ops.convert_to_numpy(keras.ops.cast(output[0], "float32")) for output in outputs)
    return {layer.name: values for layer, values in zip(layers, arrays)}


def responses(maps: np.ndarray, zones: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Measure where a layer's filters are active.

    Parameters
    ----------
    maps : numpy.ndarray
        float [h, w, filters].
    zones : mapping of str to numpy.ndarray
        bool [size, size] each, over the network's input, as from `leukemia_tf.explain.regions.boundary_zones`.

    Returns
    -------
    dict
        `filters`, their number; `silent`, how many of them have one value at all places of this cell (0 where there is
        one place); and for each zone the mean absolute response there, relative to that over the whole frame: NaN for
        an empty zone or a layer that is 0.
    """
    means = {name: float(one[0]) for name, one in _relative(np.abs(maps).mean(-1, keepdims=True), zones).items()}
    return {"filters": maps.shape[-1], "silent": int(_is_silent(maps).sum()), **means}


def filter_responses(maps: np.ndarray, zones: Mapping[str, np.ndarray]) -> list[dict[str, float]]:
    """Measure where each filter of a layer is active.

    Parameters
    ----------
    maps, zones
        As `responses` takes them.

    Returns
    -------
    list of dict
        `filter`, its number from 0 on; `silent`, 0 or 1; and for each zone its response, relative to its own mean.
    """
    zone_responses, silent = _relative(np.abs(maps), zones), _is_silent(maps)
    return [
        {"filter": k, "silent": int(silent[k]), **{name: float(one[k]) for name, one in zone_responses.items()}}
        for k in range(maps.shape[-1])
    ]


def _is_silent(maps: np.ndarray) -> np.ndarray:
    """Return which filters have one value at all of several places: bool [filters]."""
    several = maps.shape[0] * maps.shape[1] > 1
    return (np.ptp(maps, (0, 1)) == 0) & several


def _relative(strength: np.ndarray, zones: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the mean of each map, [h, w, k], in each zone, relative to that over the frame: float [k] by zone."""
    side = strength.shape[1::-1]
    shares = {
        name: cv2.resize(zone.astype(np.float32), side, interpolation=cv2.INTER_AREA)[..., None]
        for name, zone in zones.items()
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            name: (strength * share).sum((0, 1)) / share.sum() / strength.mean((0, 1)) for name, share in shares.items()
        }


def grid(maps: np.ndarray, count: int | None = MOST_ACTIVE) -> np.ndarray:
    """Lay maps out in a square grid, each scaled to 0-1 by itself, a line apart.

    Parameters
    ----------
    maps : numpy.ndarray
        float [h, w, filters].
    count : int or None
        How many of them, the most active first; None: all, in their order.

    Returns
    -------
    numpy.ndarray
        float [side * (h + 1) - 1, side * (w + 1) - 1], NaN between the maps and where there are too few.
    """
    height, width, filters = maps.shape
    side = grid_side(filters, count)
    order = np.argsort(-np.abs(maps).mean((0, 1)), kind="stable")[:count] if count else np.arange(filters)
    out = np.full((side * (height + 1) - 1, side * (width + 1) - 1), np.nan, np.float32)
    for place, index in enumerate(order):
        top, left = (place // side) * (height + 1), (place % side) * (width + 1)
        shifted = maps[..., index] - maps[..., index].min()
        out[top : top + height, left : left + width] = shifted / (shifted.max() or 1)
    return out


def grid_side(filters: int, count: int | None) -> int:
    """Return how many maps a row of a layer's grid has."""
    return math.ceil(math.sqrt(count or filters))
