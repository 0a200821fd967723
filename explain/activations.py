"""What each convolutional and pooling layer responds to in a cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.explain.frame import Frame

GRID = 4  # feature maps a side of a layer's grid


def spatial_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the convolutional and pooling layers with feature maps, from input to output."""
    kinds = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.MaxPooling2D,
        keras.layers.AveragePooling2D,
    )
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def activations(model: keras.Model, cell: np.ndarray) -> dict[str, np.ndarray]:
    """Return the feature maps of each such layer for one cell: float32 [h, w, filters] by the layer's name.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    cell : numpy.ndarray
        uint8 [1, size, size, 3].
    """
    layers = spatial_layers(model)
    outputs = keras.Model(model.input, [layer.output for layer in layers])(cell, training=False)
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
        `filters`, their number; `silent`, how many of them are constant over this cell; and for each zone the mean
        absolute response there, relative to that over the whole frame: NaN for an empty zone or a layer that is 0.
    """
    strength = np.abs(maps).mean(-1)
    side = maps.shape[1::-1]
    shares = {
        name: cv2.resize(zone.astype(np.float32), side, interpolation=cv2.INTER_AREA) for name, zone in zones.items()
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = {
            name: float((strength * share).sum() / share.sum() / strength.mean()) for name, share in shares.items()
        }
    return {"filters": maps.shape[-1], "silent": int((np.ptp(maps, (0, 1)) == 0).sum()), **relative}


def grid(maps: np.ndarray) -> np.ndarray:
    """Lay the most active maps out in a square grid, each scaled to 0-1 by itself, a line apart.

    Parameters
    ----------
    maps : numpy.ndarray
        float [h, w, filters].

    Returns
    -------
    numpy.ndarray
        float [GRID * (h + 1) - 1, GRID * (w + 1) - 1], NaN between the maps and where there are too few.
    """
    height, width, _ = maps.shape
    order = np.argsort(-np.abs(maps).mean((0, 1)), kind="stable")[: GRID * GRID]
    out = np.full((GRID * (height + 1) - 1, GRID * (width + 1) - 1), np.nan, np.float32)
    for place, index in enumerate(order):
        top, left = (place // GRID) * (height + 1), (place % GRID) * (width + 1)
        shifted = maps[..., index] - maps[..., index].min()
        out[top : top + height, left : left + width] = shifted / (shifted.max() or 1)
    return out


def draw_activations(
    frame: Frame,
    maps: Mapping[str, np.ndarray],
    layer_responses: Mapping[str, Mapping[str, float]],
    columns: int = 5,
) -> Figure:
    """Draw the cell, followed by a grid of feature maps per layer.

    Parameters
    ----------
    frame : Frame
        The cell.
    maps : mapping of str to numpy.ndarray
        As from `activations`.
    layer_responses : mapping of str to mapping
        By the layer's name, as from `responses`.
    columns : int
        Grids a row.
    """
    rows = math.ceil((len(maps) + 1) / columns)
    figure = Figure((2.6 * columns, 2.85 * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    axes[0].imshow(frame.cells[0][0])
    axes[0].set_title(f"input of the network, {frame.cells[0].shape[1]} px", fontsize=8)
    for axis, (name, values) in zip(axes[1:], maps.items()):
        _draw_grid(axis, name, values, layer_responses[name])
    name = Path(frame.prediction.path).name
    figure.suptitle(f"{name}: the {GRID * GRID} most active maps of each layer, each scaled by itself", fontsize=10)
    return figure


def _draw_grid(axis: Axes, name: str, maps: np.ndarray, response: Mapping[str, float]) -> None:
    height, width, filters = maps.shape
    axis.imshow(grid(maps), cmap="magma", interpolation="nearest")
    silent = f", {response['silent']} silent" if response["silent"] else ""
    zones = ", ".join(f"{response[zone]:.2f} {zone}" for zone in ("inside", "edge", "outside"))
    axis.set_title(f"{name}: {filters} maps of {height} x {width}{silent}\n{zones}", fontsize=6.5)
