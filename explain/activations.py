"""What each convolutional and pooling layer sees in a cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.explain.frame import Frame

GRID = 4  # maps a side of a layer's grid


def spatial_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Return the convolutional and pooling layers with maps, from input to output."""
    kinds = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.MaxPooling2D,
        keras.layers.AveragePooling2D,
    )
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def activations(model: keras.Model, cell: np.ndarray) -> dict[str, np.ndarray]:
    """Return each such layer's maps of one cell: float32 [h, w, filters] by layer's name.

    Parameters
    ----------
    model : keras.Model
        A network of this package.
    cell : numpy.ndarray
        uint8 [1, size, size, 3].
    """
    layers = spatial_layers(model)
    outputs = keras.Model(model.input, [layer.output for layer in layers])(cell, training=False)
    as_arrays = (keras.ops.convert_to_numpy(keras.ops.cast(output[0], "float32")) for output in outputs)
    return {layer.name: values for layer, values in zip(layers, as_arrays)}


def responses(maps: np.ndarray, belt: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Tell where a layer's filters are active.

    Parameters
    ----------
    maps : numpy.ndarray
        float [h, w, filters].
    belt : mapping of str to numpy.ndarray
        bool [size, size] each, over what the network sees, as from `leukemia_tf.explain.regions.belt_of`.

    Returns
    -------
    dict
        `filters`; `silent`, how many of them say the same everywhere in this cell; and for each part the mean absolute
        response there, as a multiple of that over the whole frame: NaN for a part that is empty or a layer that is 0.
    """
    strength = np.abs(maps).mean(-1)
    side = maps.shape[1::-1]
    shares = {
        name: cv2.resize(part.astype(np.float32), side, interpolation=cv2.INTER_AREA) for name, part in belt.items()
    }
    with np.errstate(invalid="ignore", divide="ignore"):
        own = {name: float((strength * share).sum() / share.sum() / strength.mean()) for name, share in shares.items()}
    return {"filters": maps.shape[-1], "silent": int((np.ptp(maps, (0, 1)) == 0).sum()), **own}


def grid(maps: np.ndarray) -> np.ndarray:
    """Lay the most active maps out in a square grid, each scaled to 0-1 by itself, a line apart.

    Parameters
    ----------
    maps : numpy.ndarray
        float [h, w, filters].

    Returns
    -------
    numpy.ndarray
        float [GRID * (h + 1) - 1, GRID * (w + 1) - 1], NaN between and for missing maps.
    """
    height, width, _ = maps.shape
    order = np.argsort(-np.abs(maps).mean((0, 1)), kind="stable")[: GRID * GRID]
    out = np.full((GRID * (height + 1) - 1, GRID * (width + 1) - 1), np.nan, np.float32)
    for place, index in enumerate(order):
        top, left = (place // GRID) * (height + 1), (place % GRID) * (width + 1)
        picture = maps[..., index] - maps[..., index].min()
        out[top : top + height, left : left + width] = picture / (picture.max() or 1)
    return out


def draw_activations(
    frame: Frame, maps: dict[str, np.ndarray], told: Mapping[str, Mapping[str, float]], columns: int = 5
) -> Figure:
    """Draw the cell and, behind it, a grid of maps a layer.

    Parameters
    ----------
    frame : Frame
        The cell.
    maps : dict of str to numpy.ndarray
        As from `activations`.
    told : mapping of str to mapping
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
    axes[0].set_title(f"what the network sees, {frame.cells[0].shape[1]} px", fontsize=8)
    for axis, (name, values) in zip(axes[1:], maps.items()):
        _draw_grid(axis, name, values, told[name])
    name = Path(frame.prediction.path).name
    figure.suptitle(f"{name}: the {GRID * GRID} most active maps of each layer, each scaled by itself", fontsize=10)
    return figure


def _draw_grid(axis: object, name: str, values: np.ndarray, told: Mapping[str, float]) -> None:
    height, width, filters = values.shape
    axis.imshow(grid(values), cmap="magma", interpolation="nearest")
    silent = f", {told['silent']} silent" if told["silent"] else ""
    where = ", ".join(f"{told[part]:.2f} {part}" for part in ("inside", "edge", "outside"))
    axis.set_title(f"{name}: {filters} maps of {height} x {width}{silent}\n{where}", fontsize=6.5)
