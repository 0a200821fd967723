"""Write the pack: what `run.py` needs on a machine with a GPU, JAX and no TensorFlow, in a folder of at most 60 MB.

    python benchmarks/gpu/prepare.py PACK [--wheels 3.12]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else the phantom cells and random weights). In PACK:
cells.npz (330 px frames as lossless WebP, labels, patient groups, folds), weights.npz (half precision), the package's
source, these programs and, with `--wheels` and that machine's version of Python, Keras's wheels. Of each patient so
many cells as the 60 MB allow, drawn with seed 0. docs/gpu.md has the commands.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent)]

from shared import SharedCells, shared_cells  # noqa: E402

from leukemia_tf.core.files import write_atomically, write_json  # noqa: E402
from leukemia_tf.data.datasets import load_cell_arrays  # noqa: E402
from leukemia_tf.data.folds import draw_folds  # noqa: E402
from leukemia_tf.data.preprocessing import Preprocessing  # noqa: E402
from leukemia_tf.models.heads import find_head  # noqa: E402
from leukemia_tf.models.pretrained import build_pretrained  # noqa: E402
from leukemia_tf.models.table import find_architecture  # noqa: E402

LARGEST = 60e6  # bytes
WHEELS = ("keras", "optree", "namex", "absl-py")  # what machines with JAX and PyTorch may lack


def half_weights(base: str, size: int, head: str) -> dict[str, np.ndarray]:
    """Return the truncated backbone's weights by layer and number: kernels in float16, vectors in float32."""
    view = asdict(Preprocessing(size, "fixed:330"))
    network = build_pretrained(find_architecture(base), 1, view, "imagenet", 0, required=False, head=find_head(head))
    names = [layer.name for layer in network.model.layers]
    layers = network.model.layers[: names.index(network.blocks[-1].last) + 1]
    return {
        f"{layer.name}/{number}": values.astype(np.float16 if values.ndim > 1 else np.float32)  # variances are large
        for layer in layers
        for number, values in enumerate(layer.get_weights())
    }


def as_webp(pixels: np.ndarray) -> bytes:
    """Return a picture as lossless WebP."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, method=4)
    return stream.getvalue()


def most_cells(sizes: np.ndarray, groups: np.ndarray, room: float) -> np.ndarray:
    """Return which cells are taken, int [k]: of each patient as many, as far as the room in bytes goes."""
    order = np.random.default_rng(0).permutation(len(sizes))
    rank = np.zeros(len(sizes), int)
    for group in np.unique(groups):
        members = order[groups[order] == group]
        rank[members] = np.arange(len(members))
    most = np.searchsorted([sizes[rank < most].sum() for most in range(1, rank.max() + 2)], room, side="right")
    return np.flatnonzero(rank < most)


def write_cells(pack: Path, at: SharedCells, side: int, size: int, seeds: int, room: float) -> dict:
    """Write cells.npz; return what it holds."""
    settings = Preprocessing(size, f"fixed:{side}")
    with ThreadPoolExecutor() as pool:
        pictures = list(pool.map(as_webp, load_cell_arrays(at.folder, at.cells, settings)))
    chosen = most_cells(np.array([len(picture) for picture in pictures]), at.groups, room)
    cells = [at.cells[index] for index in chosen]
    folds = np.zeros((seeds, len(cells)), np.int8)
    for seed in range(seeds):
        for number, (_, test) in enumerate(draw_folds(cells, at.group_of, "patient", seed)):
            folds[seed, test] = number
    stored = [pictures[index] for index in chosen]
    arrays = {
        "pictures": np.frombuffer(b"".join(stored), np.uint8),
        "ends": np.cumsum([len(picture) for picture in stored]),
        "labels": at.labels[chosen],
        "patients": at.groups[chosen],
        "hashes": np.array([cell.sha256 for cell in cells]),
        "folds": folds,
    }
    write_atomically(pack / "cells.npz", lambda scratch: np.savez(scratch, **arrays))
    return {"cells": len(cells), "of": len(at.cells), "patients": len(set(at.groups[chosen])), "size": size}


def write_code(pack: Path) -> None:
    """Copy the package's source and these programs."""
    for folder in ("leukemia_tf", "models"):
        skipped = shutil.ignore_patterns("__pycache__", "*.html")
        shutil.copytree(ROOT / folder, pack / "code" / folder, ignore=skipped, dirs_exist_ok=True)
    shutil.copy(ROOT / "setup.cfg", pack / "code")
    for program in HERE.glob("*.py"):
        if program.name not in ("prepare.py", "report.py"):
            shutil.copy(program, pack)


def write_wheels(pack: Path, python: str) -> None:
    """Download Keras's wheels for a version of Python."""
    target = ("--dest", str(pack / "wheels"), "--python-version", python, "--platform", "manylinux_2_28_x86_64")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *target]
    subprocess.run([*command, "--platform", "manylinux2014_x86_64", *WHEELS], check=True)


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Write the pack and print, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path, help="a new folder")
    parser.add_argument("--wheels", metavar="PYTHON", help="download Keras's wheels for this version, such as 3.12")
    parser.add_argument("--base", default="resnet50", help="backbone of the folds, truncated by its last block")
    parser.add_argument("--size", type=int, default=330, help="side of the cells in pixels")
    parser.add_argument("--side", type=int, default=330, help="side of the frame round the cell, before it is scaled")
    parser.add_argument("--seeds", type=int, default=3, help="draws of the five folds")
    given = parser.parse_args()
    if given.pack.exists() and any(given.pack.iterdir()):
        parser.error(f"{given.pack} is not empty: name a new folder")
    at = shared_cells()
    write_code(given.pack)
    if given.wheels:
        write_wheels(given.pack, given.wheels)
    weights = half_weights(given.base, given.size, "multi-depth")
    write_atomically(given.pack / "weights.npz", lambda scratch: np.savez_compressed(scratch, **weights))
    room = LARGEST - size_of(given.pack) - 1e6  # for what is not pictures
    about = write_cells(given.pack, at, given.side, given.size, given.seeds, room)
    write_json(given.pack / "pack.json", {"base": given.base, **about})
    print(json.dumps({**about, "megabytes": round(size_of(given.pack) / 1e6, 1)}))


if __name__ == "__main__":
    main()
