"""How fast a network predicts on each runtime, side by side: one image, and many.

    python benchmarks/latency.py RUN [--images 256] [--rounds 5]

Real cells from LEUKEMIA_TF_DATA (else ../shared), from the files' bytes to the predictions, decoding and framing
included; `network alone` starts at preprocessed cells. All take turns in each round: 20 single images, then a batch of
32. `predict` is what the command does by default, in batches of 32; XLA and the signature of the SavedModel are other
ways of TensorFlow's, `model.predict` is Keras's, each behind the same preprocessing; the `tf.lite` that TensorFlow
still has is deprecated. Runtimes that are not installed say so. `default_over_best_without_extras` is the default's
time over that of the fastest that needs nothing but the package, for one image or in bulk, whichever is worse. At the
end the whole command's work on `--images` files: images per second, and the share of the processor's cores that it
used.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import psutil
import tensorflow as tf
from shared import use_shared

from leukemia_tf.config import EngineConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes
from leukemia_tf.data.source import find_source
from leukemia_tf.inference import image_files
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.member import as_inputs
from leukemia_tf.models.network import load_network, logit_model, preprocessings_of
from leukemia_tf.runs.open_runs import network_file
from leukemia_tf.serving.runtime_networks import logits_on, write_network
from leukemia_tf.serving.runtimes import RUNTIMES, check_runtime
from leukemia_tf.serving.signatures import prediction_function
from leukemia_tf.training.devices import pin_threads, usable_cores

SINGLE, BATCH = 20, 32
DEFAULT = "predict"


def ways(path: Path) -> tuple[dict[str, Callable], dict[str, Callable]]:
    """Return functions from preprocessed cells to logits, by name: without extra packages, and with them."""
    model = load_network(path)
    to_logit, served = logit_model(model), logit_model(fuse_batch_normalization(model))

    def eager(cells: list) -> tf.Tensor:
        return to_logit(as_inputs(cells), training=False)

    def by_keras(*cells: np.ndarray) -> np.ndarray:
        return to_logit.predict(as_inputs(cells), verbose=0)

    compiled = tf.function(lambda *cells: eager(cells), jit_compile=True, autograph=False)
    bare = {
        DEFAULT: logits_on("tensorflow", model),
        "signature of the SavedModel": lambda cells: served(as_inputs(cells), training=False),
        "XLA": lambda cells: compiled(*cells),
        "model.predict": lambda cells: tf.ensure_shape(tf.numpy_function(by_keras, cells, tf.float32), [None, 1]),
        "tf.lite (deprecated)": in_tensorflow(path),
    }
    extra = {}
    for runtime in RUNTIMES:
        try:
            check_runtime("runtime", runtime, "tensorflow")
            extra[f"predict --runtime {runtime}"] = logits_on(runtime, load_network(path))
        except UserError as error:
            print(f"{runtime} is not measured: {error}", file=sys.stderr)
    return bare, extra


def in_tensorflow(path: Path) -> Callable:
    """Return the network on TensorFlow's interpreter."""
    model = load_network(path)
    names = [tensor.name for tensor in model.inputs]
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = str(write_network(model, "litert", Path(folder)))
        runner = tf.lite.Interpreter(file, num_threads=usable_cores()).get_signature_runner()

    def run(*cells: np.ndarray) -> np.ndarray:
        return runner(**dict(zip(names, cells)))["logit"].copy()

    return lambda cells: tf.ensure_shape(tf.numpy_function(run, cells, tf.float32), [None, 1])


def timed(functions: dict[str, Callable], single: list, batch: Any, rounds: int) -> dict[str, dict[str, float]]:
    """Return p50 and p99 of one (ms) and the rate of many (images per second) of each function, in turns."""
    seconds, rates = ({name: [] for name in functions} for _ in range(2))
    for turn in range(-1, rounds):
        for name, function in functions.items():
            function(single[0])
            for one in single:
                began = time.perf_counter()
                function(one)
                seconds[name] += [time.perf_counter() - began] * (turn >= 0)
            began = time.perf_counter()
            function(batch)
            rates[name] += [BATCH / (time.perf_counter() - began)] * (turn >= 0)
    return {
        name: {
            **{f"p{share}_ms": float(1000 * np.percentile(seconds[name], share)) for share in (50, 99)},
            "images_per_second": float(np.median(rates[name])),
        }
        for name in functions
    }


def whole_command(path: Path, images: list[Path]) -> dict[str, float]:
    """Return images per second of `predict`'s work, and the share of the cores that it used, after a warm-up."""
    process = psutil.Process()
    with TemporaryDirectory() as folder:
        list(image_files.predict_images(path, images[:BATCH], BATCH, Path(folder) / "first", EngineConfig()))
        before, began = sum(process.cpu_times()[:2]), time.perf_counter()
        list(image_files.predict_images(path, images, BATCH, Path(folder) / "all", EngineConfig()))
        wall, used = time.perf_counter() - began, sum(process.cpu_times()[:2]) - before
    return {"images_per_second": len(images) / wall, "busy_share": used / wall / usable_cores()}


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    use_shared()
    pin_threads()
    path = network_file(arguments.run)
    files = find_images([find_source(None).folder])
    files = [files[place] for place in np.linspace(0, len(files) - 1, min(arguments.images, len(files))).astype(int)]
    contents = [file.read_bytes() for file in files[:BATCH]]
    wanted = [stored_preprocessing(settings) for settings in preprocessings_of(load_network(path))]
    framed = [cells_from_bytes(tf.constant(contents), settings)[0] for settings in wanted]

    bare, extra = ways(path)
    whole, alone = {}, {}
    for name, logits in {**bare, **extra}.items():
        function = prediction_function(load_network(path), logits)
        whole[name] = lambda content, function=function: function(tf.constant(content))["logit"].numpy()
        compiled = tf.function(lambda *cells, logits=logits: logits(cells), autograph=False, reduce_retracing=True)
        alone[name] = lambda cells, compiled=compiled: compiled(*cells).numpy()
    timings = timed(whole, [[content] for content in contents[:SINGLE]], contents, arguments.rounds)
    network = timed(alone, [[cells[k : k + 1] for cells in framed] for k in range(SINGLE)], framed, arguments.rounds)

    default, rivals = timings[DEFAULT], [timings[name] for name in bare]
    worst = max(
        default["p50_ms"] / min(rival["p50_ms"] for rival in rivals),
        max(rival["images_per_second"] for rival in rivals) / default["images_per_second"],
    )
    print("| | one image: p50, p99 (ms) | images per second | network alone: p50 (ms), images per second |")
    print("|---|---|---|---|")
    for name, timing in timings.items():
        print(
            f"| {name} | {timing['p50_ms']:.1f}, {timing['p99_ms']:.1f} | {timing['images_per_second']:.1f} "
            f"| {network[name]['p50_ms']:.1f}, {network[name]['images_per_second']:.1f} |"
        )
    command = whole_command(path, files)
    print(
        f"\n`predict` on {len(files)} images: {command['images_per_second']:.1f} per second, "
        f"{100 * command['busy_share']:.0f} % of {usable_cores()} cores"
    )
    results = {"answers": timings, "network_alone": network, "whole_command": command}
    print(json.dumps({"default_over_best_without_extras": worst, "busy_share": command["busy_share"], **results}))


if __name__ == "__main__":
    main()
