"""The truncated networks here and in PyTorch, side by side on the processor: forward pass, features, training step.

    python -m venv torch && torch/bin/pip install torch torchvision
    python benchmarks/peers.py --torch torch/bin/python [--networks resnet50 …] [--precisions float32] [--rounds 3]

PyTorch has a Python of its own, so that neither's threads disturb the other's. Both take turns in each round, and the
shortest time of all rounds counts. Random weights, which are as fast. `forward`: 330 pixels, one cell and 32; here what
`predict` calls. `extract`: real cells from their files to pooled features, decoding and framing included, in batches of
32. `train`: a step of 32 cells at 224 pixels of the head and the last block, BatchNormalization fixed. PyTorch runs
eagerly, in channels_last and by `torch.compile`; `extract` takes the fastest of them. bfloat16 here is
ONEDNN_DEFAULT_FPMATH_MODE=BF16, and for `extract` what `--precision mixed` takes; in PyTorch autocast. Share of the
peak: operations of the convolutions over those of a product of two matrices of side 4096, the faster library's. Cells
from LEUKEMIA_TF_DATA (else ../shared).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peers_child import SIDE
from shared import use_shared

from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.source import find_source

HERE = Path(__file__).resolve().parent
NETWORKS = ("resnet50", "vgg16", "mobilenetv2")
VARIANTS = ("eager", "channels_last", "compile")
PRECISIONS = ("float32", "bfloat16")
CASES = {
    "forward, 1 cell": {"row": "forward", "size": 330, "batch": 1},
    "forward, 32 cells": {"row": "forward", "size": 330, "batch": 32},
    "train, 32 cells": {"row": "train", "size": 224, "batch": 32},
}
Times = dict[str, float]  # shortest, by library and variant


class Library:
    """A process of one library at one precision."""

    def __init__(self, python: str, script: str, precision: str) -> None:
        self.precision = precision
        command, pipe = [python, str(HERE / script)], subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def ask(self, **request: Any) -> float:
        """Return the answer to a request."""
        print(json.dumps({**request, "precision": self.precision}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            sys.exit(f"{' '.join(map(str, self.process.args))} stopped at {request}")  # type: ignore[arg-type]
        return json.loads(line)


def shortest(times: Times, name: str, seconds: float) -> None:
    """Keep the shortest time of a name."""
    times[name] = min(seconds, times.get(name, np.inf))


def measure(
    ours: Library, peer: Library, network: str, files: list[str], rounds: int
) -> Iterator[tuple[str, int, Times]]:
    """Yield each case, its cells, and the shortest times of `ours` and of PyTorch's variants."""
    best = VARIANTS[0]
    for case, request in CASES.items():
        times: Times = {}
        for _ in range(rounds):
            shortest(times, "ours", ours.ask(network=network, **request))
            for variant in VARIANTS:
                shortest(times, variant, peer.ask(network=network, variant=variant, **request))
        yield case, int(request["batch"]), times
        if case == "forward, 32 cells":
            best = min(VARIANTS, key=lambda variant: times[variant])
    extraction, times = {"row": "extract", "network": network, "size": 330}, {}
    ours.ask(**extraction, files=files[:32])  # compiles
    peer.ask(**extraction, files=files[:32], variant=best)
    for _ in range(max(2, rounds - 1)):
        shortest(times, "ours", ours.ask(**extraction, files=files))
        shortest(times, best, peer.ask(**extraction, files=files, variant=best))
    yield f"extract, {len(files)} files", len(files), times


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", required=True, help="a Python that has torch and torchvision")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--precisions", nargs="*", default=list(PRECISIONS), choices=PRECISIONS)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    use_shared()
    found = [str(file) for file in find_images([find_source(None).folder])]
    files = [found[place] for place in np.linspace(0, len(found) - 1, min(arguments.files, len(found))).astype(int)]
    results = []
    print("| network | precision | | here | PyTorch's fastest | ratio | share of the peak |\n" + "|---" * 7 + "|")
    for precision in arguments.precisions:
        ours = Library(sys.executable, "peers_ours.py", precision)
        peer = Library(arguments.torch, "peers_torch.py", precision)
        peak = 2 * SIDE**3 / min(ours.ask(row="peak"), peer.ask(row="peak"))
        for network in arguments.networks:
            operations = ours.ask(row="operations", network=network, size=330)
            for case, cells, times in measure(ours, peer, network, files, arguments.rounds):
                rivals = {name: seconds for name, seconds in times.items() if name != "ours"}
                best = min(rivals, key=lambda name: rivals[name])
                here, there = (cells / seconds for seconds in (times["ours"], rivals[best]))
                share = None if case.startswith("train") else here * operations / peak
                row = {"network": network, "precision": precision, "case": case, "peak": peak, "share": share}
                results.append({**row, "ratio": here / there, "seconds": times})
                share_text = "" if share is None else f"{share:.2f}"
                print(
                    f"| {network} | {precision} | {case} | {here:.1f} /s | {there:.1f} /s ({best}) "
                    f"| {here / there:.2f} | {share_text} |",
                    flush=True,
                )
        for library in (ours, peer):
            library.process.terminate()
    print(json.dumps({"lowest_ratio": min(row["ratio"] for row in results), "rows": results}))


if __name__ == "__main__":
    main()
