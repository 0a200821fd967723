"""How long cells take to be read and checked, the first time and when they are remembered.

    python benchmarks/remembered.py [--cells 5000]

Cells from LEUKEMIA_TF_DATA, else ../shared, else the phantom cells; with `--cells` as many links to them, in a folder
of the same layout. The memory lies in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from shared import use_shared

from leukemia_tf.core.cache import CACHE
from leukemia_tf.data.prepare import scan_folder
from leukemia_tf.data.source import find_source


def linked(source: Path, folder: Path, count: int) -> Path:
    """Fill a folder with so many links to the labelled cells of another, the copies under further numbers."""
    cells = sorted(path for path in source.rglob("UID_*") if path.is_file())
    for number in range(count):
        path, again = cells[number % len(cells)], number // len(cells)
        *parts, label = path.stem.split("_")
        name = "_".join([*parts[:-1], str(int(parts[-1]) + 10_000 * again), label]) + path.suffix
        target = folder / path.relative_to(source).parent / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    return folder


def main() -> None:
    """Print the two times and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int)
    count = parser.parse_args().cells
    use_shared()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ[CACHE] = str(Path(scratch) / "cache")
        folder = find_source(None).folder
        if count:
            folder = linked(folder, Path(scratch) / "cells", count)
        seconds = []
        for title in ("first", "second"):
            began = time.perf_counter()
            _, scanned = scan_folder(folder)
            seconds.append(time.perf_counter() - began)
            print(f"{title:<8}{len(scanned.cells):>7,} cells {seconds[-1]:8.2f} s")
    print(json.dumps({"cells": len(scanned.cells), "first_s": seconds[0], "second_s": seconds[1]}))


if __name__ == "__main__":
    main()
