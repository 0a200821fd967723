"""Loading weights into a backbone, by the names of its layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from leukemia_tf.core.errors import WeightsError
from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.base import build_base
from leukemia_tf.models.description import architecture_of
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.weights_download import download_weights
from leukemia_tf.models.weights_file import read_weights
from leukemia_tf.models.weights_search import local_weights

Arrays = Mapping[str, list[np.ndarray]]


@dataclass(frozen=True)
class LoadedWeights:
    """What was loaded from a weights file.

    Parameters
    ----------
    source : str
        The file.
    blocks : tuple of str
        Names of the blocks whose weights were all loaded.
    layers : int
        How many layers were loaded.
    random : tuple of str
        Names of the backbone's layers that keep random weights.
    parameters : int
        How many parameters were loaded.
    folded : tuple of str
        Names of the BatchNormalizations that the file has folded into the layers before them: what is left of them
        normalizes nothing, so they must not learn.
    """

    source: str
    blocks: tuple[str, ...]
    layers: int
    random: tuple[str, ...]
    parameters: int
    folded: tuple[str, ...] = ()


def load_imagenet(model: keras.Model, architecture: Architecture, blocks: Sequence[Block]) -> LoadedWeights:
    """Load ImageNet weights into the whole backbone, or stop.

    Looks into the folder LEUKEMIA_TF_WEIGHTS, then Keras's cache, then downloads.

    Raises
    ------
    WeightsError
        If no file with all blocks can be had; it says how to get one.
    """
    if not architecture.weights:
        raise WeightsError(f"{architecture.name} has no ImageNet weights: train it with `weights=none`.")
    tried = []
    for path in local_weights(architecture):
        arrays = _read(model, path)
        missing = [layer.name for layer in _weighted_layers(model, blocks) if not _arrays_of(layer, arrays)]
        if not missing:
            return _load(model, blocks, path, arrays)
        tried.append(f"{path} lacks {missing[0]} and {len(missing) - 1} other layers")
    return load_file(model, blocks, download_weights(architecture, tried))


def load_file(model: keras.Model, blocks: Sequence[Block], path: Path) -> LoadedWeights:
    """Load a weights file into those layers of the backbone that it names.

    Raises
    ------
    WeightsError
        If the file is missing, is no weights file, or fits no layer.
    """
    return _load(model, blocks, path, _read(model, path))


def load_trained(model: keras.Model, blocks: Sequence[Block], trained: keras.Model, source: Path) -> LoadedWeights:
    """Copy all weights of a trained network, the head's too, into one of the same kind.

    Parameters
    ----------
    model : keras.Model
        Where to.
    blocks : sequence of Block
        Of its backbone.
    trained : keras.Model
        Where from.
    source : pathlib.Path
        Its file.

    Raises
    ------
    WeightsError
        If the layers with weights are not the same.
    """
    pairs = [(layer, _find_layer(trained, layer.name)) for layer in model.layers if layer.weights]
    for layer, other in pairs:
        shapes = [[tuple(weight.shape) for weight in getattr(each, "weights", ())] for each in (layer, other)]
        if shapes[0] != shapes[1]:
            raise WeightsError(f"{source} does not fit {model.name}: layer {layer.name} is another there.")
    for layer, other in pairs:
        layer.set_weights(other.get_weights())
    return LoadedWeights(
        source=str(source),
        blocks=tuple(block.name for block in blocks),
        layers=len(pairs),
        random=(),
        parameters=model.count_params(),
        folded=tuple(layer.name for layer, _ in pairs if _is_folded(layer)),
    )


def _find_layer(model: keras.Model, name: str) -> Any:
    return next((layer for layer in model.layers if layer.name == name), None)


def _load(model: keras.Model, blocks: Sequence[Block], path: Path, arrays: Arrays) -> LoadedWeights:
    base, groups = _weighted_layers(model, blocks), block_layers(model, blocks)
    random = [layer.name for layer in base if not _arrays_of(layer, arrays)]
    if len(random) == len(base):
        raise WeightsError(f"{path} fits no layer of {model.name}: name a file made for this network.")
    pairs = [pair for layer in base for pair in _arrays_of(layer, arrays)]
    for layer, values in pairs:
        expected, received = [tuple(weight.shape) for weight in layer.weights], [value.shape for value in values]
        if expected != received:
            raise WeightsError(
                f"{path} does not fit {model.name}: layer {layer.name} is {received} there, and {expected} here."
            )
    for layer, values in pairs:
        layer.set_weights(values)
    return LoadedWeights(
        source=str(path),
        blocks=tuple(block.name for block in blocks if not {layer.name for layer in groups[block.name]} & set(random)),
        layers=len(base) - len(random),
        random=tuple(random),
        parameters=sum(layer.count_params() for layer in base if layer.name not in random),
        folded=tuple(layer.name for layer, _ in pairs if _is_folded(layer)),
    )


def _is_folded(layer: keras.layers.Layer) -> bool:
    """Return whether a layer is a BatchNormalization with the statistics and the scale that a fresh one has."""
    if not isinstance(layer, keras.layers.BatchNormalization) or not layer.scale:
        return False
    mean, variance, gamma = map(keras.ops.convert_to_numpy, (layer.moving_mean, layer.moving_variance, layer.gamma))
    return not mean.any() and np.ptp(variance) == 0 and bool((gamma == 1).all())


def _read(model: keras.Model, path: Path) -> Arrays:
    """Read a file; if it names no layer as we do but fits the whole backbone layer by layer, rename its layers.

    Some of Keras's published files (MobileNetV3's) still have the names of older versions.
    """
    arrays = read_weights(path)
    if arrays.keys() & {part.name for layer in model.layers for part in (layer, *getattr(layer, "layers", ()))}:
        return arrays
    architecture = architecture_of(model)
    entrance = keras.Input((architecture.image_size, architecture.image_size, 3))
    whole = [layer for layer in build_base(architecture, entrance)[0].layers if layer.weights]
    expected = [[tuple(weight.shape) for weight in layer.weights] for layer in whole]
    received = [[array.shape for array in values] for values in arrays.values()]
    return dict(zip([layer.name for layer in whole], arrays.values())) if expected == received else arrays


def _weighted_layers(model: keras.Model, blocks: Sequence[Block]) -> list[keras.layers.Layer]:
    """Return the backbone's layers with weights; `CellInput` replaces the constants of a Normalization."""
    groups = block_layers(model, blocks)
    layers = [layer for block in blocks for layer in groups[block.name]]
    return [layer for layer in layers if layer.weights and not isinstance(layer, keras.layers.Normalization)]


def _arrays_of(layer: keras.layers.Layer, arrays: Arrays) -> list[tuple[keras.layers.Layer, list[np.ndarray]]]:
    """Return a layer, or the layers inside it, with their arrays; nothing if the file lacks one."""
    if layer.name in arrays:
        return [(layer, arrays[layer.name])]
    parts = [part for part in getattr(layer, "layers", ()) if part.weights]
    return [(part, arrays[part.name]) for part in parts] if all(part.name in arrays for part in parts) else []
