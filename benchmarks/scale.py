"""What many files cost: time and peak memory of whole commands against the number of files.

    python benchmarks/scale.py [--counts 2000 5000 15000] [--commands audit train …]

Real cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared). Each folder holds links to them
under the names of new patients, 50 files each; a picture under several names merges these patients into one, as the
package does with copies. In turn, each in a process of its own, with an empty cache at first: `audit`; `train` of a
head on a frozen MobileNetV2 without its last block at 112 pixels for 5 epochs; the same again, with what the first has
cached; `crossval` of it with 3 folds; `predict` of all files. Peak memory: the largest resident set of the process, as
the kernel counts it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shared import use_shared

from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.source import find_source

OF_A_PATIENT = 50
HEAD = ("--base", "mobilenetv2", "--drop-last-block", "--image-size", "112", "--stages", "feature-extraction")

RECIPE = ("--data", "cells", *HEAD, "--epochs", "5")
COMMANDS = {
    "audit": ("audit", "cells", "--out", "audit"),
    "train": ("train", *RECIPE, "--out", "first"),
    "train again": ("train", *RECIPE, "--out", "second"),
    "crossval": ("crossval", *RECIPE, "--folds", "3", "--out", "study"),
    "predict": ("predict", "cells", "--run", "first", "--out", "predictions.csv"),
}


def link_cells(folder: Path, count: int) -> None:
    """Fill a folder with links to the real cells, under the names of new patients."""
    source = find_source(None).folder
    cells = [cell for cell in read_catalog(source).cells if cell.label]
    by_label = {label: [cell for cell in cells if cell.label == label] for label in ("all", "hem")}
    for number in range(count):
        label = ("all", "hem")[number % 2]
        copy, picture = divmod(number // 2, len(by_label[label]))
        cell, patient = by_label[label][picture], 1000 * (copy + 1) + picture // OF_A_PATIENT
        name = f"UID_{'H' * (label == 'hem')}{patient}_{number}_1_{label}{Path(cell.path).suffix}"
        (folder / label).mkdir(exist_ok=True)
        (folder / label / name).symlink_to(source / cell.path)


def run(*words: str, work: Path) -> dict[str, float]:
    """Run a command; return its seconds and its peak memory in MiB."""
    log = work / "log"
    began = time.perf_counter()
    with log.open("w") as stream:
        command = [sys.executable, "-m", f"leukemia_tf.{words[0]}", *words[1:]]
        environment = {**os.environ, "LEUKEMIA_TF_CACHE": str(work / "cache")}
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment, cwd=work)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed:\n{log.read_text()[-2000:]}")
    return {"seconds": round(time.perf_counter() - began, 1), "peak_mib": round(usage.ru_maxrss / 1024)}


def measure(count: int, names: list[str]) -> dict[str, dict[str, float]]:
    """Return what these commands cost on so many files."""
    with tempfile.TemporaryDirectory() as folder:
        work, cells = Path(folder), Path(folder, "cells")
        cells.mkdir()
        link_cells(cells, count)
        return {name: run(*COMMANDS[name], work=work) for name in names}


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[2000, 5000, 15000])
    parser.add_argument("--commands", nargs="*", default=list(COMMANDS), choices=list(COMMANDS))
    arguments = parser.parse_args()
    use_shared()
    results = {}
    for count in arguments.counts:
        results[count] = measure(count, arguments.commands)
        if len(results) == 1:
            print("| files | " + " | ".join(results[count]) + " |\n" + "|---" * (1 + len(results[count])) + "|")
        cells = [f"{cost['seconds']:.0f} s, {cost['peak_mib']:,} MiB" for cost in results[count].values()]
        print(f"| {count:,} | " + " | ".join(cells) + " |", flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
