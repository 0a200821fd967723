"""`predict` on very many images: rate and memory over time, killed half way, one row per image.

    python benchmarks/scoring.py RUN [--images 10000]

The real cells of `../shared` (or LEUKEMIA_TF_DATA), repeated as links in one folder, predicted in a separate process
that is killed half way and started again. Prints images per second and the process's largest resident memory, by
quarters of the images, the time that the restart cost, and what 100,000 images would take.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from shared import use_shared

from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.source import find_source
from leukemia_tf.evaluation.predictions import iterate_predictions

EVERY = 0.25  # seconds between samples


def watch(command: list[str], parts: Path, stop_at: int) -> list[tuple[float, int, float]]:
    """Run a command until it ends or its folder of parts has so many tables; return seconds, tables, GiB over time."""
    process, began, seen = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), time.time(), []
    while process.poll() is None:
        try:
            memory = process.memory_info().rss / 2**30
        except psutil.NoSuchProcess:
            break
        tables = len(list(parts.glob("[0-9]*.csv"))) if parts.is_dir() else seen[-1][1] if seen else 0
        seen.append((time.time() - began, tables, memory))
        if tables >= stop_at:
            process.kill()
            process.wait()
        time.sleep(EVERY)
    return [*seen, (time.time() - began, seen[-1][1], seen[-1][2])]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    use_shared()
    cells = find_images([find_source(None).folder])
    with TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "cells", Path(scratch) / "predictions.csv"
        folder.mkdir()
        for number in range(arguments.images):
            cell = cells[number % len(cells)]
            (folder / f"{number:06}{cell.suffix}").symlink_to(cell.resolve())
        command = [sys.executable, "-m", "leukemia_tf.predict", str(folder)]
        command += ["--run", str(arguments.run), "--out", str(out)]
        parts, pieces = out.with_name(f"{out.name}.parts"), -(-arguments.images // 128)
        first = watch(command, parts, pieces // 2)
        second = watch(command, parts, pieces + 1)
        paths = [row.path for row in iterate_predictions(out)]
        if paths != sorted(str(path) for path in folder.iterdir()):
            sys.exit("not one row per image")
    rows = []
    for name, seen, start, end in (("first half", first, 0, pieces // 2), ("second half", second, pieces // 2, pieces)):
        middle = (start + end) // 2
        for part, low, high in ((f"{name}, first", start, middle), (f"{name}, second", middle, end)):
            samples = [sample for sample in seen if low <= sample[1] <= high and (sample[1] > start or low > start)]
            taken = samples[-1][0] - samples[0][0]
            rate = 128 * (samples[-1][1] - samples[0][1]) / taken
            rows.append(
                {
                    "quarter": part,
                    "images_per_second": rate,
                    "peak_gib": max(sample[2] for sample in samples),
                }
            )
    print(f"\n{'quarter':<22} {'images/s':>9} {'memory':>10}")
    for row in rows:
        print(f"{row['quarter']:<22} {row['images_per_second']:>9.1f} {row['peak_gib']:>6.2f} GiB")
    restart = next(sample[0] for sample in second if sample[1] > second[0][1])
    rate = float(np.mean([row["images_per_second"] for row in rows]))
    seconds = first[-1][0] + second[-1][0]
    print(
        f"\n{arguments.images:,} images: {seconds:.0f} s in all, {restart:.0f} s from the restart to new predictions;"
    )
    print(f"100,000 images at this rate: {100_000 / rate / 3600:.1f} h. One row per image, in order.")
    results = {"images": arguments.images, "quarters": rows, "seconds": seconds, "restart": restart}
    print(json.dumps({**results, "hours_for_100000": 100_000 / rate / 3600}))


if __name__ == "__main__":
    main()
