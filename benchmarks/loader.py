"""Reading cells: this package's pipeline beside `keras.utils.image_dataset_from_directory`, on the same files.

    python benchmarks/loader.py [--cells 1997] [--image-size 330] [--framing fixed]

Cells from LEUKEMIA_TF_DATA, else ../shared, else the phantom cells. Both give batches of 32 at the same size, in turn,
five times in one process, each built anew; medians are compared. Ours crops to a frame around each cell and turns and
flips it (no contrast, as theirs has none); theirs only resizes. Ours caches the prepared cells, so its later epochs do
not read again. A virtual machine's host may take a second to provide the memory that they fill, so as much is touched
before each timing. Peak memory is measured in a separate process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import psutil
from shared import use_shared

from leukemia_tf.data.balance import Sampling
from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.datasets import cell_view, classes, training_batches
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.source import find_source
from leukemia_tf.data.store import Store, open_store

ROUNDS, LATER = 5, 3


def run_through(batches: Iterable) -> float:
    """Return the seconds that it takes to draw every batch."""
    began = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - began


def epoch(store: Store, labels: np.ndarray, number: int) -> Iterable:
    """Return an epoch of ours: every cell once, shuffled, turned and flipped."""
    weights, sampling = np.ones(len(labels), np.float32), Sampling("none")
    return training_batches(cell_view(store, sampling.augment), labels, weights, sampling, 32, 0, number)


def link_classes(folder: Path, cells: list[Cell], target: Path) -> None:
    """Lay links to the cells into a folder a class, as Keras wants them."""
    for index, cell in enumerate(cells):
        (target / cell.label).mkdir(exist_ok=True)
        (target / cell.label / f"{index}{Path(cell.path).suffix}").symlink_to(folder / cell.path)


def epoch_of_theirs(folder: str, size: int) -> float:
    """Return the seconds of an epoch of Keras's, from listing the folder to the last batch."""
    began = time.perf_counter()
    options = {"image_size": (size, size), "batch_size": 32, "follow_links": True, "verbose": False}
    run_through(keras.utils.image_dataset_from_directory(folder, **options))
    return time.perf_counter() - began


def touch(size: int) -> None:
    """Make the machine hold `size` bytes of memory ready."""
    np.empty(size, np.uint8).fill(1)


def measure_memory(folder: Path, cells: list[Cell], settings: Preprocessing) -> float:
    """Return by how many times of the cache the resident memory grows, at most, while it is filled and drawn from."""
    run_through(epoch(open_store(folder, cells[:64], settings, "memory"), classes(cells[:64]), 0))  # what loads once
    seen, ended = [psutil.Process().memory_info().rss], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            seen.append(psutil.Process().memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    store = open_store(folder, cells, settings, "memory")
    for number in range(2):
        run_through(epoch(store, classes(cells), number))
    ended.set()
    watcher.join()
    return (max(seen) - seen[0]) / store.array.nbytes


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1997)
    parser.add_argument("--image-size", type=int, default=330)
    parser.add_argument("--framing", default="fixed")
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    use_shared()
    folder = find_source(None).folder
    everything = list(read_catalog(folder).cells)
    cells = [everything[i] for i in np.random.default_rng(0).permutation(len(everything))[: arguments.cells]]
    settings = Preprocessing(arguments.image_size, arguments.framing)
    if arguments.memory:
        print(measure_memory(folder, cells, settings))
        return
    seconds: dict[str, list[float]] = {"theirs": [], "first": [], "later": []}
    with tempfile.TemporaryDirectory() as links:
        link_classes(folder, cells, Path(links))
        epoch_of_theirs(links, arguments.image_size)  # loads what is loaded once, and the files into the page cache
        run_through(epoch(open_store(folder, cells[:64], settings, "memory"), classes(cells[:64]), 0))
        size = len(cells) * 3 * arguments.image_size**2
        for _ in range(ROUNDS):
            store = None  # the last round's memory
            touch(size)
            seconds["theirs"].append(epoch_of_theirs(links, arguments.image_size))
            touch(size)
            began = time.perf_counter()
            store = open_store(folder, cells, settings, "memory")
            run_through(epoch(store, classes(cells), 0))
            seconds["first"].append(time.perf_counter() - began)
            seconds["later"] += [run_through(epoch(store, classes(cells), number)) for number in range(1, 1 + LATER)]
    rates = {name: len(cells) / np.median(values) for name, values in seconds.items()}
    again = subprocess.run([sys.executable, *sys.argv, "--memory"], capture_output=True, text=True, check=True)
    result = {
        "cells": len(cells),
        "image_size": arguments.image_size,
        "framing": arguments.framing,
        "first_epoch_ratio": round(rates["first"] / rates["theirs"], 3),
        "cached_epoch_ratio": round(rates["later"] / rates["theirs"], 3),
        "peak_memory_over_cache": round(float(again.stdout), 3),
    }
    print(f"{len(cells)} cells of {folder.name} at {arguments.image_size} pixels, framing {arguments.framing}")
    print(f"image_dataset_from_directory, every epoch   {rates['theirs']:8.0f} cells/s")
    print(f"first epoch, cropped, turned and flipped    {rates['first']:8.0f} cells/s")
    print(f"later epochs                                {rates['later']:8.0f} cells/s")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
