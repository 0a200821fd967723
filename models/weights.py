"""ImageNet weights: where they are looked for, and loading them by layer name."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.errors import WeightsError
from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.base import build_base
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.search import FOLDER, weights_at_hand
from leukemia_tf.models.table import find_architecture
from leukemia_tf.models.weights_file import read_weights

DOWNLOAD_PATIENCE = 20  # seconds without an answer


@dataclass(frozen=True)
class Loaded:
    """What a weights file gave.

    Parameters
    ----------
    source : str
        The file.
    blocks : tuple of str
        Names of the blocks whose every weight was loaded.
    layers : int
        How many layers were loaded.
    random : tuple of str
        Names of the layers of the base that stay random.
    parameters : int
        How many numbers were loaded.
    """

    source: str
    blocks: tuple[str, ...]
    layers: int
    random: tuple[str, ...]
    parameters: int


def load_imagenet(model: keras.Model, architecture: Architecture, blocks: Sequence[Block]) -> Loaded:
    """Load ImageNet weights into the whole base, or stop.

    Looks into the folder LEUKEMIA_TF_WEIGHTS, then Keras's cache, then downloads.

    Raises
    ------
    WeightsError
        If no file that covers all blocks can be had; says how to get one.
    """
    if not architecture.weights:
        raise WeightsError(
            f"{architecture.name} has no ImageNet weights: it trains from the start, with --weights none."
        )
    tried = []
    for path in weights_at_hand(architecture):
        held = _held(model, path)
        missing = [layer.name for layer in _weighted(model, blocks) if not _arrays(layer, held)]
        if not missing:
            return _load(model, blocks, path, held)
        tried.append(f"{path} lacks {missing[0]} and {len(missing) - 1} other layers")
    return load_file(model, blocks, _download(architecture, tried))


def _download(architecture: Architecture, tried: list[str]) -> Path:
    name = architecture.weights[0]
    cannot = f"the ImageNet weights of {architecture.name} cannot be had: " + "".join(f"{text}; " for text in tried)
    ways = f"put it into a folder and name the folder in {FOLDER}; or train from the start with --weights none."
    if architecture.converted:
        raise WeightsError(
            f"{cannot}{FOLDER} and Keras's cache hold no {name}. Write it with `python -m leukemia_tf.convert_weights "
            f"FILE --base {architecture.name}` from torchvision's file, {ways}"
        )
    url = f"{architecture.address}/{name}"
    try:
        with _impatient():
            return Path(keras.utils.get_file(name, url, cache_subdir="models"))
    except Exception as error:  # get_file raises a bare Exception for every failure of the network
        raise WeightsError(
            f"{cannot}{FOLDER} and Keras's cache hold no file that fits, and the download failed "
            f"({str(error).splitlines()[0]}). Get {name} from {url}, {ways}"
        ) from None


@contextmanager
def _impatient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def load_file(model: keras.Model, blocks: Sequence[Block], path: Path) -> Loaded:
    """Load a weights file into the layers of the base that it names.

    Raises
    ------
    WeightsError
        If the file is missing, is no weights file, or fits no layer.
    """
    return _load(model, blocks, path, _held(model, path))


def _load(model: keras.Model, blocks: Sequence[Block], path: Path, held: dict[str, list[np.ndarray]]) -> Loaded:
    base, groups = _weighted(model, blocks), block_layers(model, blocks)
    random = [layer.name for layer in base if not _arrays(layer, held)]
    if len(random) == len(base):
        raise WeightsError(f"{path} fits no layer of {model.name}: name a file made for this network.")
    for layer in base:
        for part, arrays in _arrays(layer, held):
            shapes = [tuple(weight.shape) for weight in part.weights], [array.shape for array in arrays]
            if shapes[0] != shapes[1]:
                raise WeightsError(
                    f"{path} does not fit {model.name}: layer {part.name} is {shapes[1]} there, and {shapes[0]} here."
                )
    for layer in base:
        for part, arrays in _arrays(layer, held):
            part.set_weights(arrays)
    return Loaded(
        source=str(path),
        blocks=tuple(block.name for block in blocks if not {layer.name for layer in groups[block.name]} & set(random)),
        layers=len(base) - len(random),
        random=tuple(random),
        parameters=sum(layer.count_params() for layer in base if layer.name not in random),
    )


def _held(model: keras.Model, path: Path) -> dict[str, list[np.ndarray]]:
    """Read a file; where it names no layer as we do but fits the whole base layer by layer, give it our names.

    Some of Keras's published files (MobileNetV3's) still have the names of older versions.
    """
    held = read_weights(path)
    if held.keys() & {part.name for layer in model.layers for part in (layer, *getattr(layer, "layers", ()))}:
        return held
    architecture = find_architecture(model.name.partition("_")[0])
    entrance = keras.Input((architecture.image_size, architecture.image_size, 3))
    whole = [layer for layer in build_base(architecture, entrance)[0].layers if layer.weights]
    here = [[tuple(weight.shape) for weight in layer.weights] for layer in whole]
    there = [[array.shape for array in arrays] for arrays in held.values()]
    return dict(zip([layer.name for layer in whole], held.values())) if here == there else held


def _weighted(model: keras.Model, blocks: Sequence[Block]) -> list[keras.layers.Layer]:
    """Return the layers of the base with weights; a Normalization's are constants that `CellInput` stands for."""
    groups = block_layers(model, blocks)
    layers = [layer for block in blocks for layer in groups[block.name]]
    return [layer for layer in layers if layer.weights and not isinstance(layer, keras.layers.Normalization)]


def _arrays(
    layer: keras.layers.Layer, held: dict[str, list[np.ndarray]]
) -> list[tuple[keras.layers.Layer, list[np.ndarray]]]:
    """Return a layer, or the layers that it is made of, with their arrays; nothing if one is not held."""
    if layer.name in held:
        return [(layer, held[layer.name])]
    parts = [part for part in getattr(layer, "layers", ()) if part.weights]
    return [(part, held[part.name]) for part in parts] if all(part.name in held for part in parts) else []
