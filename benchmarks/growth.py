"""What more cells cost: seconds of an epoch and memory, for 500, 1,000 and 2,000 real images.

    python benchmarks/growth.py

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). MobileNetV2 without its last block at
112 pixels, every block trained, each count in a separate process: seconds of the third epoch, and the process's memory
after the first and after the fifth epoch. Then the frozen stage: seconds of its first epoch, in which the features are
computed, and of its third.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import psutil
from shared import use_shared

from leukemia_tf.config import TrainConfig
from leukemia_tf.data.prepare import prepare_cells
from leukemia_tf.data.source import find_source
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.setup import build_setup
from leukemia_tf.workflows.fit import training_job

COUNTS = (500, 1000, 2000)
CONFIG = TrainConfig(base="mobilenetv2", drop_last_block=True, image_size=112, balance="none")


def measure(count: int) -> dict[str, float]:
    """Return what a count of cells costs."""
    from leukemia_tf.training.devices import prepare_devices
    from leukemia_tf.training.stages import Stage
    from leukemia_tf.training.trainer import train_stages

    prepare_devices()
    source = find_source(None)
    prepared = prepare_cells(source.folder, "patient", 0)
    cells = sorted(prepared.cells, key=lambda cell: cell.sha256)  # whatever the class and the patient
    few = [replace(cell, split="train") for cell in cells[:count]] + [replace(cell, split="val") for cell in cells[:64]]
    prepared = replace(prepared, cells=tuple(few))
    setup = build_setup(CONFIG, find_architecture(CONFIG.base), source, prepared)
    rows, memory = [], []

    def note(row: dict, losses: list[float]) -> None:
        rows.append(row)
        memory.append(psutil.Process().memory_info().rss / 2**20)

    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEUKEMIA_TF_CACHE"] = folder
        blocks = tuple(block.name for block in setup.network.blocks)
        for name, learning, epochs in (("whole", blocks, 5), ("head", (), 3)):
            job = training_job(CONFIG, setup, Path(folder, name, "history.csv"), Path(folder, name, "states"), note)
            train_stages(job, [Stage(name, learning, 1e-5, epochs)])
    seconds = [row["seconds"] for row in rows]
    return {
        "cells": min(count, len(cells)),
        "epoch_s": seconds[2],
        "memory_1_mib": round(memory[0]),
        "memory_5_mib": round(memory[4]),
        "features_s": seconds[5],
        "head_epoch_s": seconds[7],
    }


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, help="measure only this count, in this process")
    arguments = parser.parse_args()
    use_shared()
    if arguments.count:
        print(json.dumps(measure(arguments.count)))
        return
    rows = []
    for count in COUNTS:
        command = [sys.executable, __file__, "--count", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        if len(rows) == 1:
            print("| " + " | ".join(rows[0]) + " |\n" + "|---" * len(rows[0]) + "|")
        print("| " + " | ".join(map(str, rows[-1].values())) + " |", flush=True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
