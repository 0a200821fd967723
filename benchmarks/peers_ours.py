"""Our side of peers.py: requests and answers are lines of JSON."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from peers_child import SIDE, seconds, serve

from leukemia_tf.config import Augmentation
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.heads import Head
from leukemia_tf.models.network import logit_model
from leukemia_tf.models.pretrained import Network, build_pretrained
from leukemia_tf.models.table import find_architecture
from leukemia_tf.serving.runtime_networks import logits_on
from leukemia_tf.training.devices import map_dtype, prepare_devices
from leukemia_tf.training.examples import load_examples
from leukemia_tf.training.feature_cache import FeatureStore
from leukemia_tf.training.inputs import step_model

sys.path.insert(0, str(Path(__file__).resolve().parent / "gpu"))
from operations import operations

PLAIN = Head(units=(), dropout=0.0)  # mean pooling and one logit, as PyTorch has it


@cache
def network(name: str, size: int) -> Network:
    """Return a truncated network."""
    settings = asdict(Preprocessing(size, f"fixed:{size}"))
    return build_pretrained(find_architecture(name), 1, settings, "none", 0, head=PLAIN)


def answer(request: dict[str, Any]) -> float:
    """Return the seconds of a row: `peak`, `forward`, `extract` or `train`; of `operations` the number."""
    if request["row"] == "peak":
        matrix = tf.ones((SIDE, SIDE), request["precision"])
        product = tf.function(lambda: tf.matmul(matrix, matrix))
        return seconds(lambda: product().numpy())
    built = network(request["network"], request["size"])
    dtype = map_dtype("mixed" if request["precision"] == "bfloat16" else "float32")
    if request["row"] == "operations":
        return operations(built.model)
    if request["row"] == "extract":
        return extract(built, request["files"], request["size"], dtype)
    side, batch = request["size"], request["batch"]
    cells = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    if request["row"] == "forward":
        called = tf.function(forward(built.model, dtype), autograph=False)
        tensor = tf.constant(cells)
        return seconds(lambda: called(tensor).numpy())
    set_trainable(built.model, built.blocks, [built.blocks[-1].name], [block.name for block in built.blocks])
    trainer = step_model(built.model, dtype)
    trainer.compile(keras.optimizers.Adam(1e-6), keras.losses.BinaryCrossentropy(from_logits=True))
    targets = (np.arange(batch) % 2).astype(np.float32)[:, None]
    return seconds(lambda: trainer.train_on_batch(cells, targets))


def forward(model: keras.Model, dtype: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return what computes logits: of float32 as `predict` does, else as a training does of its validation cells."""
    if dtype != "float32":
        return fuse_batch_normalization(logit_model(model), dtype)
    logits = logits_on("tensorflow", model)
    return lambda cells: logits([cells])


def extract(built: Network, files: list[str], size: int, dtype: str) -> float:
    """Return the seconds in which files become pooled features, as training computes them: one view of each."""
    prefix = keras.Model(built.model.input, built.model.get_layer("pool").output)
    cells = [Cell(file, "all", "1", sha256=sha256(file.encode()).hexdigest(), split="train") for file in files]
    began = time.perf_counter()
    examples = load_examples(Path("/"), cells, "train", Preprocessing(size, f"fixed:{size}"), "memory", ())
    fused = fuse_batch_normalization(prefix, dtype)
    FeatureStore(prefix, examples, Augmentation(dihedral=False), None, fused).fill_all()
    return time.perf_counter() - began


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    prepare_devices()
    serve(answer)
