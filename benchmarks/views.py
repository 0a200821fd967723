"""Features of a frozen base at several depths, in one view of the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from shared import SharedCells

from leukemia_tf.config import Augmentation
from leukemia_tf.core.files import write_atomically
from leukemia_tf.data.augmentation import augment
from leukemia_tf.data.datasets import prediction_batches
from leukemia_tf.data.dihedral import dihedral
from leukemia_tf.data.draws import epoch_draws
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.store import open_store
from leukemia_tf.models.pooling import CellMask, MaskedAndGlobalMeanStdPooling
from leukemia_tf.models.pretrained import build_pretrained
from leukemia_tf.models.table import find_architecture

JITTER = Augmentation(dihedral=False, stain=(1.0, 0.1), brightness=(0.5, 0.05), contrast=(0.5, 0.1))
CELL, FRAME = slice(0, 2), slice(2, 4)  # of the second axis: mean and deviation inside the cell, over the frame


@dataclass(frozen=True)
class View:
    """How a base sees cells: size, stain, a dihedral view, a draw of jittered colours (0: none)."""

    base: str = "resnet50"
    size: int = 330
    stain_normalization: str = "reinhard"
    turned: int = 0
    jitter: int = 0


def pooled_depths(at: SharedCells, view: View, layers: Sequence[str], cache: Path) -> dict[str, np.ndarray]:
    """Return mean and deviation inside the cell and over the frame: float32 [n, 4, channels] by layer.

    They are cached in a folder, for these layers or fewer of them.
    """
    path = cache / f"view-{'-'.join(map(str, astuple(view)))}.npz"
    if not path.is_file():
        pooled = _computed(at, view, layers)
        write_atomically(path, lambda scratch: np.savez(scratch, **pooled))
    with np.load(path) as arrays:
        return {name: arrays[name].reshape(len(arrays[name]), 4, -1) for name in layers}


def _computed(at: SharedCells, view: View, layers: Sequence[str]) -> dict[str, np.ndarray]:
    settings = Preprocessing(view.size, "fixed:330", stain_normalization=view.stain_normalization)
    model = build_pretrained(find_architecture(view.base), 1, asdict(settings), "imagenet", seed=0).model
    pooled = {}
    for name in layers:
        maps = model.get_layer(name).output
        pooled[name] = MaskedAndGlobalMeanStdPooling()([maps, CellMask(*maps.shape[1:3])(model.input)])
    forward = tf.function(keras.Model(model.input, pooled))
    store, count = open_store(at.folder, at.cells, settings), len(at.cells)
    draws, done, parts = epoch_draws(count, 0, view.jitter), 0, []
    for batch in prediction_batches(store, 32):
        batch = dihedral(batch, tf.fill([len(batch)], view.turned))
        if view.jitter:
            batch = augment(batch, tf.constant(draws[done : done + len(batch)]), JITTER)
        done += len(batch)
        parts.append({name: values.numpy() for name, values in forward(batch, training=False).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in layers}
