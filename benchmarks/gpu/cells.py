"""What the pack holds: cells, their patients and folds, and the network that they are fed to."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from leukemia_tf.core.files import read_json
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.models.description import blocks_of
from leukemia_tf.models.heads import Head
from leukemia_tf.models.network import build_network
from leukemia_tf.models.pretrained import Network
from leukemia_tf.models.table import find_architecture
from leukemia_tf.models.weights import LoadedWeights


@dataclass(frozen=True)
class Cells:
    """The labelled cells of a pack.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [n, size, size, 3], RGB, 0-255.
    labels, patients, hashes : numpy.ndarray
        int [n], 1 for `all`; str [n], patient groups; str [n], sha256 of the pictures.
    folds : numpy.ndarray
        int [seeds, n]: the fold that a cell is tested in, by draw.
    """

    pixels: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    hashes: np.ndarray
    folds: np.ndarray


def read_cells(pack: Path) -> Cells:
    """Read the cells of a pack."""
    with np.load(pack / "cells.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    content, ends = arrays.pop("pictures").tobytes(), arrays.pop("ends")
    parts = [content[start:end] for start, end in zip([0, *ends[:-1]], ends)]
    with ThreadPoolExecutor() as pool:
        pixels = list(pool.map(lambda part: np.asarray(Image.open(io.BytesIO(part)).convert("RGB")), parts))
    return Cells(np.stack(pixels), **arrays)


def build(base: str, size: int, head: Head | None, seed: int, weights: Path | None = None) -> Network:
    """Build a truncated network for cells of so many pixels; its backbone's weights are those of a file, else random.

    It is what `leukemia_tf.models.pretrained.build_pretrained` builds, without looking for ImageNet's weights.
    """
    keras.utils.set_random_seed(seed)
    model = build_network(find_architecture(base), 1, asdict(Preprocessing(size, "fixed:330")), head)
    blocks = blocks_of(model)
    if weights:
        with np.load(weights) as stored:
            for layer in model.layers:
                if layer.weights and f"{layer.name}/0" in stored:
                    values = [stored[f"{layer.name}/{number}"] for number in range(len(layer.weights))]
                    layer.set_weights([value.astype(np.float32) for value in values])
    names = tuple(block.name for block in blocks)
    return Network(model, blocks, LoadedWeights(str(weights or "random"), names, 0, (), 0))


def pack_base(pack: Path) -> str:
    """Return the backbone whose weights a pack holds."""
    return read_json(pack / "pack.json")["base"]
