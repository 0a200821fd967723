"""From maps to features: what stands between a base and the dense layers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import KerasTensor, layers, ops

from leukemia_tf.data.settings import BACKGROUND
from leukemia_tf.errors import UserError
from leukemia_tf.models.architecture import Block
from leukemia_tf.models.head import Head


@keras.saving.register_keras_serializable("leukemia_tf")
class MeanAndDeviation(layers.Layer):
    """Pool maps to their mean and standard deviation over space: [n, h, w, c] -> [n, 2 c]."""

    def call(self, maps: KerasTensor) -> KerasTensor:
        """Pool; where a map is even, its deviation is 0.001 and has a gradient."""
        return _over_frame(ops.cast(maps, "float32"))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, 2 c]."""
        return (input_shape[0], 2 * input_shape[-1])


@keras.saving.register_keras_serializable("leukemia_tf")
class CellMask(layers.Layer):
    """Tell where the cell is, at the resolution of maps: uint8 [n, size, size, 3] -> float32 [n, h, w, 1], 0 or 1.

    Parameters
    ----------
    height, width : int
        Of the maps.
    """

    def __init__(self, height: int, width: int, **kwargs: object) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.height, self.width = height, width

    def call(self, cells: KerasTensor) -> KerasTensor:
        """Tell of each place whether most of it is brighter than the background."""
        inside = ops.cast(ops.max(ops.cast(cells, "float32"), axis=-1) > BACKGROUND, "float32")
        down, across = (_shares(*sizes) for sizes in zip(cells.shape[1:3], (self.height, self.width)))
        share = ops.matmul(ops.matmul(down.T, inside), across)  # a resize, which few runtimes have
        return ops.cast(share > 0.5, "float32")[..., None]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return [n, h, w, 1]."""
        return (input_shape[0], self.height, self.width, 1)

    def get_config(self) -> dict:
        """Return what rebuilds the layer."""
        config = super().get_config()
        config.pop("dtype", None)
        return {**config, "height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("leukemia_tf")
class InsideCell(layers.Layer):
    """Pool maps to their mean and standard deviation over the cell: [n, h, w, c] and [n, h, w, 1] -> [n, 2 c].

    So the features tell what the cell looks like, whatever its size; without a cell they are 0 and 0.001.
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        """Pool."""
        maps, inside = (ops.cast(values, "float32") for values in inputs)
        return _over_cell(maps, inside)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return [n, 2 c]."""
        return (input_shape[0][0], 2 * input_shape[0][-1])


@keras.saving.register_keras_serializable("leukemia_tf")
class CellAndFrame(layers.Layer):
    """Pool maps inside the cell and over the frame: [n, h, w, c] and [n, h, w, 1] -> [n, 4 c].

    What the two differ by tells the cell's size.
    """

    def call(self, inputs: tuple[KerasTensor, KerasTensor]) -> KerasTensor:
        """Pool, as `InsideCell` and `MeanAndDeviation` do."""
        maps, inside = (ops.cast(values, "float32") for values in inputs)
        return ops.concatenate([_over_cell(maps, inside), _over_frame(maps)], axis=-1)

    def compute_output_shape(self, input_shape: list[tuple]) -> tuple:
        """Return [n, 4 c]."""
        return (input_shape[0][0], 4 * input_shape[0][-1])


LAYERS = {
    "mean": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
    "mean-std": MeanAndDeviation,
    "flatten": layers.Flatten,
    "cell": InsideCell,
    "cell-and-frame": CellAndFrame,
}


def looked_at(base: keras.Model, blocks: Sequence[Block], head: Head, cells: KerasTensor) -> list[KerasTensor]:
    """Return the maps of a base that a head looks at, [n, h, w, c], from input to output.

    Parameters
    ----------
    base : keras.Model
        The base.
    blocks : sequence of Block
        Its blocks, from input to output.
    head : Head
        Which of them.
    cells : keras.KerasTensor
        The network's input, [n, size, size, 3].

    Raises
    ------
    UserError
        If the base has fewer blocks than the head looks at.
    """

    def maps(layer: str) -> KerasTensor:
        return base.get_layer(layer).output

    if not head.coarsest:
        if head.depths > len(blocks):
            raise UserError(f"--depths {head.depths}: the base has {len(blocks)} blocks.")
        return [maps(block.last) for block in blocks[-head.depths :]]
    fine = [block for block in blocks if _pixels(maps(block.last), cells) <= head.coarsest] or blocks[:1]
    *before, last = fine[-head.depths :]
    return [*(maps(block.last) for block in before), maps(last.texture or last.last)]


def pool(outputs: list[KerasTensor], head: Head, cells: KerasTensor) -> KerasTensor:
    """Pool maps as a head asks; the last one's layer is called `pool`.

    Parameters
    ----------
    outputs : list of keras.KerasTensor
        As from `looked_at`.
    head : Head
        How.
    cells : keras.KerasTensor
        The network's input, [n, size, size, 3].
    """
    names = [f"pool_{number}" for number in range(len(outputs) - 1, 0, -1)] + ["pool"]
    pooled = []
    for name, maps in zip(names, outputs, strict=True):
        if head.pooling in ("cell", "cell-and-frame"):
            maps = [maps, CellMask(*maps.shape[1:3], name=f"{name}_mask")(cells)]
        pooled.append(LAYERS[head.pooling](name=name)(maps))
    return pooled[0] if len(pooled) == 1 else layers.Concatenate(name="depths")(pooled)


def _pixels(maps: KerasTensor, cells: KerasTensor) -> int:
    """Return how many pixels of a cell's side stand behind one place of maps: a power of two."""
    return 2 ** round(math.log2(cells.shape[1] / maps.shape[1]))


def _shares(pixels: int, places: int) -> np.ndarray:
    """Return how much each pixel of a side has of each place: float32 [pixels, places], bilinear and antialiased."""
    wide = pixels / places
    away = np.arange(pixels)[:, None] + 0.5 - (np.arange(places) + 0.5) * wide
    weights = np.maximum(0.0, 1.0 - np.abs(away) / wide)
    return (weights / weights.sum(axis=0)).astype(np.float32)


def _over_frame(maps: KerasTensor) -> KerasTensor:
    return ops.concatenate([ops.mean(maps, axis=(1, 2)), ops.sqrt(ops.var(maps, axis=(1, 2)) + 1e-6)], axis=-1)


def _over_cell(maps: KerasTensor, inside: KerasTensor) -> KerasTensor:
    places = ops.maximum(ops.sum(inside, axis=(1, 2), keepdims=True), 1.0)
    mean = ops.sum(maps * inside, axis=(1, 2), keepdims=True) / places
    variance = ops.sum(inside * (maps - mean) ** 2, axis=(1, 2), keepdims=True) / places
    pooled = ops.concatenate([mean, ops.sqrt(variance + 1e-6)], axis=-1)
    return ops.reshape(pooled, (-1, 2 * maps.shape[-1]))
