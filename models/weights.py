"""ImageNet weights: where they are looked for, and loading them by layer name."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras

from leukemia_tf.errors import WeightsError
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.table import Architecture, Block

FOLDER = "LEUKEMIA_TF_WEIGHTS"
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
    random : tuple of str
        Names of the layers of the base that stay random.
    parameters : int
        How many numbers were loaded.
    """

    source: str
    blocks: tuple[str, ...]
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
    for path in _candidates(architecture):
        missing = _uncovered(model, blocks, path)
        if not missing:
            return load_file(model, blocks, path)
        tried.append(f"{path} lacks {missing[0]} and {len(missing) - 1} other layers")
    path = _download(architecture, tried)
    return load_file(model, blocks, path)


def _candidates(architecture: Architecture) -> list[Path]:
    folders = [Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"]
    if os.environ.get(FOLDER):
        named = Path(os.environ[FOLDER])
        folders = [named, named / "weights", *folders]
    return [path for folder in folders for name in architecture.weights if (path := folder / name).is_file()]


def _download(architecture: Architecture, tried: list[str]) -> Path:
    name = architecture.weights[0]
    url = f"{architecture.address}/{name}"
    try:
        with _impatient():
            return Path(keras.utils.get_file(name, url, cache_subdir="models"))
    except Exception as error:  # get_file raises a bare Exception for every failure of the network
        found = "".join(f"{text}; " for text in tried)
        raise WeightsError(
            f"the ImageNet weights of {architecture.name} cannot be had: {found}{FOLDER} and Keras's cache hold no "
            f"file that fits, and the download failed ({str(error).splitlines()[0]}). Put {name} from {url} into a "
            f"folder and name the folder in {FOLDER}; or train from the start with --weights none."
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
    """Load a weights file (Keras's HDF5 by layer) into the layers of the base that it names.

    Raises
    ------
    WeightsError
        If the file is missing, is no weights file, or fits no layer.
    """
    random = _uncovered(model, blocks, path)
    groups = block_layers(model, blocks)
    base = [layer for block in blocks for layer in groups[block.name] if layer.weights]
    if len(random) == len(base):
        raise WeightsError(f"{path} fits no layer of {model.name}: name a file made for this network.")
    try:
        model.load_weights(path, by_name=True)
    except ValueError as error:
        raise WeightsError(f"{path} does not fit {model.name}: {str(error).splitlines()[0]}") from None
    return Loaded(
        source=str(path),
        blocks=tuple(block.name for block in blocks if not {layer.name for layer in groups[block.name]} & set(random)),
        random=random,
        parameters=sum(layer.count_params() for layer in base if layer.name not in random),
    )


def _uncovered(model: keras.Model, blocks: Sequence[Block], path: Path) -> tuple[str, ...]:
    """Return the layers of the base with weights that a file does not hold."""
    try:
        with h5py.File(path, "r") as file:
            file = file.get("model_weights", file)
            held = {name for name in file if len(file[name].attrs.get("weight_names", ()))}
    except OSError as error:
        reason = "no such file" if not path.is_file() else f"it is not a Keras HDF5 weights file ({error})"
        raise WeightsError(f"--weights {path}: {reason}. It takes imagenet, none, or a file.") from None
    groups = block_layers(model, blocks)
    return tuple(
        layer.name for block in blocks for layer in groups[block.name] if layer.weights and layer.name not in held
    )
