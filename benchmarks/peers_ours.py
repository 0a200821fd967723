"""Our side of peers.py: requests and answers are lines of JSON."""

from __future__ import annotations

import json
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
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.examples import load_examples
from leukemia_tf.training.feature_cache import FeatureStore

PLAIN = Head(units=(), dropout=0.0)  # mean pooling and one logit, as PyTorch has it
SIDE = 4096  # of the matrices


@cache
def network(name: str, size: int) -> Network:
    """Return a truncated network."""
    settings = asdict(Preprocessing(size, f"fixed:{size}"))
    return build_pretrained(find_architecture(name), 1, settings, "none", 0, head=PLAIN)


def answer(request: dict[str, Any]) -> float:
    """Return the seconds of a row: `peak`, `forward`, `extract` or `train`; of `operations` the number."""
    if request["row"] == "peak":
        matrix = tf.ones((SIDE, SIDE))  # of bfloat16 the products alone, by the environment
        product = tf.function(lambda: tf.matmul(matrix, matrix))
        return seconds(lambda: product().numpy())
    built = network(request["network"], request["size"])
    if request["row"] == "operations":
        return operations(built.model)
    if request["row"] == "extract":
        return extract(built, request["files"], request["size"])
    side, batch = request["size"], request["batch"]
    cells = np.random.default_rng(0).integers(0, 256, (batch, side, side, 3), np.uint8)
    if request["row"] == "forward":
        logits = logits_on("tensorflow", built.model)
        called = tf.function(lambda *inputs: logits(inputs), autograph=False)
        tensor = tf.constant(cells)
        return seconds(lambda: called(tensor).numpy())
    set_trainable(built.model, built.blocks, [built.blocks[-1].name], [block.name for block in built.blocks])
    trainer = logit_model(built.model)
    trainer.compile(keras.optimizers.Adam(1e-6), keras.losses.BinaryCrossentropy(from_logits=True))
    targets = (np.arange(batch) % 2).astype(np.float32)[:, None]
    return seconds(lambda: trainer.train_on_batch(cells, targets))


def extract(built: Network, files: list[str], size: int) -> float:
    """Return the seconds in which files become pooled features, as training computes them: one view of each."""
    prefix = keras.Model(built.model.input, built.model.get_layer("pool").output)
    cells = [Cell(file, "all", "1", sha256=sha256(file.encode()).hexdigest(), split="train") for file in files]
    began = time.perf_counter()
    examples = load_examples(Path("/"), cells, "train", Preprocessing(size, f"fixed:{size}"), "memory", ())
    fused = fuse_batch_normalization(prefix)
    FeatureStore(prefix, examples, Augmentation(dihedral=False), None, fused).fill_all()
    return time.perf_counter() - began


def operations(model: keras.Model) -> float:
    """Return the floating-point operations of a forward pass of one cell: those of its convolutions."""
    total = 0.0
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
            _, height, width, channels = layer.output.shape
            inputs = 1 if isinstance(layer, keras.layers.DepthwiseConv2D) else layer.input.shape[-1]
            total += 2 * height * width * channels * inputs * np.prod(layer.kernel_size)
    return float(total)


def seconds(call: Callable[[], Any]) -> float:
    """Return the shortest time of a call, of as many as fit into two seconds, behind one that warms up."""
    call()
    times: list[float] = []
    while not times or (sum(times) < 2 and len(times) < 30):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    prepare_devices()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
