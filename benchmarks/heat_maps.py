"""How fast heat maps are: one image from a cold start and warm, and many, beside a plain forward and backward pass.

    python benchmarks/heat_maps.py [--images 1000]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). The network is the default's, a
truncated ResNet50 at 330 pixels. `plain` is the logit's gradient for all weights, in batches of 16 cells that lie in
memory, the median of five; `gradcam` is the whole command on files: reading, predicting, maps, overlays, contact
sheets. Cold is the command in a new process, with its figure, the second of two; warm is the prediction and the map of
one file, the median of ten.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from shared import use_shared

from leukemia_tf.config import GradcamConfig
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.source import find_source

BATCH = 16


def default_network(path: Path) -> Path:
    """Write the default network, with its head at random."""
    from leukemia_tf.models.heads import find_head
    from leukemia_tf.models.pretrained import build_pretrained
    from leukemia_tf.models.table import find_architecture

    settings = asdict(Preprocessing(330, "fixed", stain_normalization="reinhard"))
    network = build_pretrained(
        find_architecture("resnet50"), 1, settings, "imagenet", seed=0, head=find_head("multi-depth")
    )
    network.model.save(path)
    return path


def plain_rate(path: Path) -> float:
    """Return images per second of a forward and backward pass."""
    import tensorflow as tf

    from leukemia_tf.models.network import load_network, logit_model

    model = logit_model(load_network(path))
    model.trainable = True
    cells = tf.constant(np.random.default_rng(0).integers(0, 256, (BATCH, 330, 330, 3), dtype=np.uint8))

    @tf.function
    def step() -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(cells, training=False))
        return tape.gradient(total, [weight.value for weight in model.trainable_variables])

    return BATCH / median(step, 5)


def median(call: Callable[[], object], times: int) -> float:
    """Return the seconds that a call takes, after one that does not count."""
    call()
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return float(np.median(seconds))


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    arguments = parser.parse_args()
    use_shared()
    images = find_images([find_source(None).folder])[: arguments.images]
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        path = default_network(folder / "network.keras")
        flags = ["-m", "leukemia_tf.gradcam", str(images[0]), "--run", str(path), "--out", str(folder / "one.png")]
        source = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
        cold = median(lambda: subprocess.run([sys.executable, *flags], env={**os.environ, **source}, check=True), 1)
        from leukemia_tf.inference.heat_maps import explain_images, explained_networks
        from leukemia_tf.workflows.gradcam import gradcam

        views = explained_networks({"network": path}, ["gradcam"], None)
        warm = median(lambda: list(explain_images(views, images[:1], [])), 10)
        plain = plain_rate(path)
        began = time.perf_counter()
        gradcam(GradcamConfig(images=images, run=path, out=folder / "maps"))
        bulk = len(images) / (time.perf_counter() - began)
    results = {"cold_seconds": cold, "warm_seconds": warm, "plain_rate": plain, "gradcam_rate": bulk}
    results["bulk_over_plain"] = bulk / plain
    print("| | |\n|---|---|")
    for name, value in results.items():
        print(f"| {name.replace('_', ' ')} | {value:.2f} |")
    print(json.dumps({"images": len(images), **results}))


if __name__ == "__main__":
    main()
