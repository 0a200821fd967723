"""Every network, whole and truncated, at its default size: images per second forward and in training, FLOP, memory.

    python benchmarks/networks.py [NAME ...] [--csv docs/measured/networks.csv] [--picture docs/pictures/networks.png]

Random weights and random images, float32; each network in a separate process, so that peak memory is measured per
network. Medians of repeated steps after a first one; training steps train every layer. Rows in the CSV are not measured
again, so an interrupted measurement resumes.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.models.architecture import network_name
from leukemia_tf.models.table import ARCHITECTURES, find_architecture

COLUMNS = (
    *("network", "family", "parameters", "image_size", "gflop"),
    *("forward_per_s", "training_per_s", "gflop_per_s", "forward_mib", "training_mib"),
)
SECONDS, AT_LEAST = 1.5, 2  # of repeated steps
ALONG = 25  # places of a line that no name covers


def rate(step: Callable[[], object], images: int) -> float:
    """Return the images per second of a step, by the median of its repetitions."""
    step()
    seconds = []
    while len(seconds) < AT_LEAST or sum(seconds) < SECONDS:
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return images / float(np.median(seconds))


def peak() -> float:
    """Return the process's peak of resident memory in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def operations(model: Any, size: int) -> float:
    """Return 10^9 floating-point operations of one image, as TensorFlow counts them."""
    import tensorflow as tf

    graph = tf.function(model).get_concrete_function(tf.TensorSpec([1, size, size, 3], tf.uint8)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, cmd="op", options=options).total_float_ops / 1e9


def measure(name: str, drop_blocks: int) -> dict[str, Any]:
    """Return one network's row."""
    import keras
    import tensorflow as tf

    from leukemia_tf.models.network import build_network, logit_model

    architecture = find_architecture(name)
    size = architecture.image_size
    model = build_network(architecture, drop_blocks)
    images = max(2, min(16, 16 * 224**2 // size**2))
    cells = np.random.default_rng(0).integers(0, 256, (images, size, size, 3), np.uint8)
    gflop = operations(model, size)
    forward = tf.function(lambda x: model(x, training=False))
    batch = tf.constant(cells)
    before = peak()
    per_second = rate(lambda: forward(batch).numpy(), images)
    forward_peak = peak()
    trainer = logit_model(model)
    trainer.compile(keras.optimizers.Adam(1e-4), keras.losses.BinaryCrossentropy(from_logits=True))
    labels = np.arange(images)[:, None] % 2
    training = rate(lambda: trainer.train_on_batch(cells, labels), images)
    values = (
        *(network_name(architecture, drop_blocks), architecture.constructor.split(":")[0].split(".")[0]),
        *(architecture.parameters_truncated if drop_blocks else architecture.parameters, size, round(gflop, 2)),
        *(round(per_second, 2), round(training, 2), round(gflop * per_second, 1)),
        *(round(forward_peak - before), round(peak() - before)),
    )
    return dict(zip(COLUMNS, values, strict=True))


def read(path: Path) -> dict[str, dict]:
    """Return the rows that are there, by network."""
    if not path.is_file():
        return {}
    with path.open(newline="") as stream:
        return {row["network"]: row for row in csv.DictReader(stream)}


def draw(rows: list[dict], path: Path) -> None:
    """Draw rate against parameters, whole and truncated joined by a line."""
    from leukemia_tf.evaluation.plots import GREY, SERIES, axes, place_labels, save

    whole, cut = (look["color"] for look in SERIES[:2])
    figure, (forward, training) = axes(7.4, 6.4, columns=2)
    by_name, labels = {row["network"]: row for row in rows}, []
    for axis, column in ((forward, "forward_per_s"), (training, "training_per_s")):
        names, points, others = [], [], []
        for name in ARCHITECTURES:
            pair = [by_name[n] for n in (name, f"{name}-cut") if n in by_name]
            x, y = ([float(row[key]) for row in pair] for key in ("parameters", column))
            axis.plot(x, y, color=GREY, lw=0.8, zorder=1)
            for point, (colour, marker) in zip(range(len(pair)), ((whole, "o"), (cut, "s"))):
                axis.plot(x[point], y[point], marker, color=colour, ms=4, zorder=2)
            if pair:
                names.append(name)
                points.append((x[0], y[0]))
                others += zip(np.geomspace(x[0], x[-1], ALONG)[1:], np.geomspace(y[0], y[-1], ALONG)[1:])
        labels.append((axis, points, names, others))
        axis.set(xscale="log", yscale="log", xlabel="parameters of the base")
    forward.set_ylabel("images per second, forward")
    training.set_ylabel("images per second, training every layer")
    forward.plot([], [], "o", color=whole, label="whole")
    forward.plot([], [], "s", color=cut, label="without the last block, joined to it by a line")
    figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
    for axis, points, names, others in labels:
        place_labels(axis, points, names, 6, others)
    save(figure, path)


def main() -> None:
    """Measure what is missing, draw the picture, print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(ARCHITECTURES))
    parser.add_argument("--csv", type=Path, default=Path("docs/measured/networks.csv"))
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/networks.png"))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(arguments.names[0], arguments.one)))
        return
    rows = read(arguments.csv)
    for name in arguments.names:
        for drop_blocks in (0, 1):
            if network_name(find_architecture(name), drop_blocks) in rows:
                continue
            command = [sys.executable, __file__, name, "--one", str(drop_blocks)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            row = json.loads(done.stdout.splitlines()[-1])
            rows[row["network"]] = row
            with arguments.csv.open("w", newline="") as stream:
                writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows.values())
            print(row, flush=True)
    draw(list(rows.values()), arguments.picture)
    print(json.dumps(list(rows.values())))


if __name__ == "__main__":
    main()
