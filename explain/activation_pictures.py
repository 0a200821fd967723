"""Pictures of feature maps, of one network or of several side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from leukemia_tf.evaluation.plots import plain
from leukemia_tf.explain.activations import ZONES, grid, grid_side
from leukemia_tf.explain.frame import Frame

COLUMNS = 5  # grids a row of one network's picture
INCHES, LARGEST = 2.6, 9.0  # side of a grid of 4 by 4 maps, and of the largest


@dataclass(frozen=True)
class NetworkActivations:
    """One network's feature maps of a cell.

    Parameters
    ----------
    name : str
        Of its run.
    frame : Frame
        The cell.
    maps : dict of str to numpy.ndarray
        As from `leukemia_tf.explain.activations.activations`.
    responses : dict of str to dict
        By the layer's name, as from `leukemia_tf.explain.activations.responses`.
    """

    name: str
    frame: Frame
    maps: dict[str, np.ndarray]
    responses: dict[str, dict[str, float]]


def draw_activations(networks: Sequence[NetworkActivations], count: int | None) -> Figure:
    """Draw the cell as the network sees it, then a grid of feature maps for each layer.

    Parameters
    ----------
    networks : sequence of NetworkActivations
        One, whose layers follow each other row by row; several have a column each.
    count : int or None
        How many of a layer's filters are drawn, the most active first; None: all, in their order.
    """
    largest = max(grid_side(maps.shape[-1], count) for network in networks for maps in network.maps.values())
    inches = float(np.clip(INCHES * largest / 4, INCHES, LARGEST))
    longest = max(len(network.maps) for network in networks) + 1
    columns = len(networks) if len(networks) > 1 else min(COLUMNS, longest)
    rows = longest if len(networks) > 1 else math.ceil(longest / columns)
    figure = Figure((inches * columns, (inches + 0.25) * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for number, network in enumerate(networks):
        places = axes[:, number] if len(networks) > 1 else axes.ravel()
        _draw_network(list(places), network, count, named=len(networks) > 1)
    which = f"the {count} most active maps of each layer" if count else "all maps of each layer, row by row from 0 on"
    name = Path(networks[0].frame.prediction.path).name
    figure.suptitle(plain(f"{name}: {which}, each scaled by itself"), fontsize=10)
    return figure


def _draw_network(axes: Sequence[Axes], network: NetworkActivations, count: int | None, named: bool) -> None:
    cell = network.frame.cells[0][0]
    axes[0].imshow(cell)
    name = f"{plain(network.name)}\n" if named else ""
    axes[0].set_title(f"{name}input of the network, {cell.shape[1]} px", fontsize=8)
    for axis, (layer, maps) in zip(axes[1:], network.maps.items()):
        _draw_grid(axis, layer, maps, network.responses[layer], count)


def _draw_grid(axis: Axes, name: str, maps: np.ndarray, response: Mapping[str, float], count: int | None) -> None:
    height, width, filters = maps.shape
    axis.imshow(grid(maps, count), cmap="magma", interpolation="nearest")
    silent = f", {response['silent']} silent" if response["silent"] else ""
    each_row = "" if count else f", {grid_side(filters, count)} a row"
    zones = ", ".join(f"{response[zone]:.2f} {zone}" for zone in ZONES)
    axis.set_title(f"{name}: {filters} maps of {height} x {width}{silent}{each_row}\n{zones}", fontsize=6.5)
