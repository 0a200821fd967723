"""Layers as the network has them, fused, and fused in bfloat16: features and training steps on a processor.

    python benchmarks/frozen_layers.py [--network resnet50] [--rounds 3]

The default's network without its last block, random weights (as fast as others), batches of 32 random cells of 330
pixels. `features`: from cells to pooled features. `step`: a step of the head and the last block that is left,
BatchNormalization fixed. The three take turns, and the shortest time of all rounds counts; 0 where the processor cannot
compute it. ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 shows a processor without AMX.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.network import blocks_of, build_network, logit_model
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.frozen_boundary import frozen_boundary
from leukemia_tf.training.inputs import step_model
from leukemia_tf.training.optimization import OptimizationConfig
from leukemia_tf.training.optimizers import build_loss, build_optimizer

BATCH, SIZE = 32, 330
WAYS = {"as it is": None, "fused": "float32", "fused, bfloat16": "mixed_bfloat16"}


def features(network: str, dtype: str | None, cells: np.ndarray) -> Callable[[], object]:
    """Return what computes the pooled features of a batch."""
    model = frozen(network, learning=0)
    prefix = keras.Model(model.input, list(frozen_boundary(model)))
    computing = fuse_batch_normalization(prefix, dtype) if dtype else prefix
    return lambda: computing.predict_on_batch(cells)


def step(network: str, dtype: str | None, cells: np.ndarray) -> Callable[[], object]:
    """Return what takes a step of the last block."""
    model = frozen(network, learning=1)
    trainer = step_model(model, dtype) if dtype else logit_model(model)
    trainer.compile(build_optimizer(OptimizationConfig(), 1e-6, {}), build_loss(OptimizationConfig()))
    targets = (np.arange(BATCH) % 2).astype(np.float32)[:, None]
    return lambda: trainer.train_on_batch(cells, targets)


def frozen(network: str, learning: int) -> keras.Model:
    """Return the network, its last blocks and the head learning."""
    model = build_network(find_architecture(network), 1, {"image_size": SIZE})
    names = [block.name for block in blocks_of(model)]
    set_trainable(model, blocks_of(model), names[len(names) - learning :], names)
    return model


def seconds(call: Callable[[], object]) -> float:
    """Return the time of a call; infinity where the processor cannot compute it."""
    began = time.perf_counter()
    try:
        call()
    except tf.errors.OpError:
        return np.inf
    return time.perf_counter() - began


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    prepare_devices()
    cells = np.random.default_rng(0).integers(0, 256, (BATCH, SIZE, SIZE, 3), np.uint8)
    rates: dict[str, dict[str, float]] = {}
    print(f"| cells per second | {' | '.join(WAYS)} |\n" + "|---" * (len(WAYS) + 1) + "|")
    for title, build in (("features", features), ("step", step)):
        calls = {name: build(arguments.network, dtype, cells) for name, dtype in WAYS.items()}
        times = dict.fromkeys(WAYS, np.inf)
        for _ in range(arguments.rounds + 1):  # the first traces
            for name, call in calls.items():
                times[name] = min(times[name], seconds(call))
        rates[title] = {name: BATCH / shortest for name, shortest in times.items()}
        print(f"| {title} | {' | '.join(f'{rate:.1f}' for rate in rates[title].values())} |", flush=True)
    print(json.dumps({"network": arguments.network, "rates": rates}))


if __name__ == "__main__":
    main()
