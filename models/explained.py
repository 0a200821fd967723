"""What a class-activation map weights: the maps that a network's head reads, or those of a named layer."""

from __future__ import annotations

import re
from typing import NamedTuple

import keras
from keras import KerasTensor

from leukemia_tf.models.layer_names import POOL
from leukemia_tf.models.network import explained_layer
from leukemia_tf.models.pooling import MaskedMeanStdPooling


class Maps(NamedTuple):
    """Maps in a network.

    Parameters
    ----------
    layer : str
        The layer that they come from.
    output : keras.KerasTensor
        [n, h, w, c].
    mask : keras.KerasTensor or None
        [n, h, w, 1], where the head pools the cell's places by themselves.
    cell_alone : bool
        Whether it reads nothing outside them.
    """

    layer: str
    output: KerasTensor
    mask: KerasTensor | None = None
    cell_alone: bool = False


def explained_maps(model: keras.Model, layer: str | None = None) -> tuple[Maps, ...]:
    """Return the maps that a class-activation map weights, from input to output.

    Parameters
    ----------
    model : keras.Model
        A network.
    layer : str, optional
        A layer's or a block's name. By default, all depths that the head reads; for a head of one depth, the last
        convolutional layer of the backbone.

    Raises
    ------
    ArgumentError
        If there is no such layer, or one without maps.
    """
    read = _read_maps(model)
    if layer is None and (len(read) > 1 or any(maps.mask is not None for maps in read)):
        return read
    name = explained_layer(model, layer)
    return (Maps(name, model.get_layer(name).output),)


def _read_maps(model: keras.Model) -> tuple[Maps, ...]:
    """Return the maps that the head pools."""
    pools = [layer for layer in model.layers if re.fullmatch(rf"{POOL}(_\d+)?", layer.name)]
    pooled = [(pool, *keras.tree.flatten(pool.input)) for pool in pools if len(pool.output.shape) == 2]
    producers = {id(getattr(layer, "output", None)): layer.name for layer in model.layers}
    order = [layer.name for layer in model.layers]
    read = [
        Maps(producers[id(maps)], maps, mask[0] if mask else None, isinstance(pool, MaskedMeanStdPooling))
        for pool, maps, *mask in pooled
    ]
    return tuple(sorted(read, key=lambda maps: order.index(maps.layer)))
