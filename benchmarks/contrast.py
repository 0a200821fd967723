"""What each contrast and the stain normalisation cost in `tf.data`, beside Keras's layer for CLAHE and OpenCV's.

    python benchmarks/contrast.py [--image-size 224]

Cells from LEUKEMIA_TF_DATA, else ../shared, else the phantom cells, all in memory; medians of five rounds, each in turn
in one process.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import cv2
import keras
import numpy as np
import tensorflow as tf
from shared import use_shared

from leukemia_tf.data.contrast import CONTRAST
from leukemia_tf.data.datasets import load_cell_arrays
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.source import find_source
from leukemia_tf.data.stain import reinhard

CELLS, ROUNDS, SLOW = 800, 5, 48  # SLOW: as many for the layer that is twenty times slower


def opencv_clahe(cells: np.ndarray) -> None:
    """Equalize by OpenCV, one cell after the other."""
    tool = cv2.createCLAHE(2.0, (8, 8))
    for cell in cells:
        yuv = cv2.cvtColor(cell, cv2.COLOR_RGB2YUV)
        yuv[..., 0] = tool.apply(yuv[..., 0].copy())
        cv2.cvtColor(yuv, cv2.COLOR_YUV2RGB)


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image-size", type=int, default=224)
    size = parser.parse_args().image_size
    use_shared()
    folder = find_source(None).folder
    few = load_cell_arrays(folder, read_catalog(folder).cells[::20][:100], Preprocessing(size))
    cells = few[np.arange(CELLS) % len(few)]
    stored = tf.data.Dataset.from_tensor_slices(cells)
    layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(value_range=(0, 255))

    def mapped(change: Callable, count: int) -> Callable[[], int]:
        batches = stored.take(count).map(change, num_parallel_calls=tf.data.AUTOTUNE).prefetch(8)
        return lambda: sum(1 for _ in batches)

    jobs: dict[str, tuple[Callable, int]] = {
        name: (mapped(change, CELLS), CELLS)
        for name, change in {**CONTRAST, "stain normalisation": reinhard}.items()
        if name != "none"
    }
    jobs["keras.layers CLAHE"] = mapped(lambda cell: layer(cell[None])[0], SLOW), SLOW
    jobs["OpenCV CLAHE, a loop"] = lambda: opencv_clahe(cells), CELLS
    seconds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, (job, count) in jobs.items():
            began = time.perf_counter()
            job()
            seconds[name].append((time.perf_counter() - began) / count)
    rates = {name: round(1 / float(np.median(values)), 1) for name, values in seconds.items()}
    for name, rate in rates.items():
        print(f"{name:<24}{rate:10.0f} cells/s")
    print(
        json.dumps(
            {
                "image_size": size,
                "cells_per_second": rates,
                "clahe_over_keras_layer": round(rates["clahe"] / rates["keras.layers CLAHE"], 1),
            }
        )
    )


if __name__ == "__main__":
    main()
