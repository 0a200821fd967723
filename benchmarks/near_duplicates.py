"""Which altered copies of a cell the near-duplicate finder finds, and how often it takes two cells for one.

    python benchmarks/near_duplicates.py

Cells from LEUKEMIA_TF_DATA (else ../shared). Each cell is altered, and the copies are compared with all cells as they
are. Recall: the share of the copies that are found to be their cell. Precision: the share of all pairs found whose two
cells are of one patient; C-NMC's patients with several names count as one. Minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from shared import use_shared

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.cell_views import NEAR, unroll
from leukemia_tf.data.cnmc import all_names
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.near_duplicates import near_duplicates, near_duplicates_between
from leukemia_tf.data.reading import read_catalog
from leukemia_tf.data.source import find_source

Alteration = Callable[[np.ndarray], np.ndarray]


def jpeg(quality: int) -> Alteration:
    """Write as JPEG and read again."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    return lambda pixels: cv2.imdecode(cv2.imencode(".jpg", pixels, flags)[1], cv2.IMREAD_COLOR)


def on_grey(level: int) -> Alteration:
    """Replace the black background."""
    return lambda pixels: np.where(pixels.max(-1, keepdims=True) > NEAR, pixels, np.uint8(level))


def scaled(factor: float) -> Alteration:
    """Make smaller."""
    return lambda pixels: cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def brighter(levels: int) -> Alteration:
    """Add to every channel inside the cell."""
    return lambda pixels: np.where(pixels > 0, np.clip(pixels.astype(int) + levels, 0, 255), 0).astype(np.uint8)


def turned(degrees: float) -> Alteration:
    """Turn around the picture's centre."""

    def turn(pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(pixels, matrix, (width, height))

    return turn


def with_corner(pixels: np.ndarray) -> np.ndarray:
    """Change one pixel in the corner."""
    changed = pixels.copy()
    changed[0, 0] = 255 - changed[0, 0]
    return changed


ALTERATIONS: dict[str, Alteration] = {
    "one corner pixel": with_corner,
    "shift by one pixel": lambda pixels: np.roll(pixels, (1, 1), (0, 1)),
    "quarter turn": lambda pixels: np.ascontiguousarray(np.rot90(pixels)),
    "turn by 37 degrees": turned(37),
    "mirror": lambda pixels: np.ascontiguousarray(pixels[:, ::-1]),
    "3 levels brighter": brighter(3),
    "3 levels darker": brighter(-3),
    "background 12": on_grey(12),
    "background 30": on_grey(30),
    "background 200": on_grey(200),
    "JPEG 90": jpeg(90),
    "JPEG 75": jpeg(75),
    "JPEG 50": jpeg(50),
    "JPEG 30": jpeg(30),
    "half size": scaled(0.5),
    "quarter size": scaled(0.25),
    "eighth size": scaled(0.125),
    "half size, JPEG 50": lambda pixels: jpeg(50)(scaled(0.5)(pixels)),
    "quarter size, JPEG 50": lambda pixels: jpeg(50)(scaled(0.25)(pixels)),
    "background 30, JPEG 50": lambda pixels: jpeg(50)(on_grey(30)(pixels)),
}


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="alter only every so many cells")
    every = parser.parse_args().every
    use_shared()
    folder = find_source(None).folder
    cells = read_catalog(folder).cells
    views = read_views(folder, cells, lambda pixels: pixels)
    found = near_duplicates(views)
    rows = [{"copy": "the cells as they are", "recall": None, **pair_counts(found, cells, cells)}]
    print("| copy | recall | pairs found | of two patients | precision |\n|---|---|---|---|---|")
    print_row(rows[-1])
    for name, alter in ALTERATIONS.items():
        chosen = cells[::every]
        pairs = near_duplicates_between(read_views(folder, chosen, alter), views)
        recall = sum(one * every == other for one, other, _ in pairs) / len(chosen)
        rows.append({"copy": name, "recall": recall, **pair_counts(pairs, chosen, cells)})
        print_row(rows[-1])
    print(json.dumps({"cells": len(cells), "every": every, "rows": rows}))


def read_views(folder: Path, cells: Sequence[Cell], alter: Alteration) -> np.ndarray:
    """Return the view of each picture after an alteration."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(lambda cell: unroll(alter(read_image(folder / cell.path)[1])), cells)))


def pair_counts(
    pairs: Sequence[tuple[int, int, float]], cells: Sequence[Cell], others: Sequence[Cell]
) -> dict[str, float]:
    """Count the pairs, and those of two patients."""
    wrong = sum(others[other].patient not in all_names(cells[one].patient) for one, other, _ in pairs)
    return {"pairs": len(pairs), "of_two_patients": wrong, "precision": 1 - wrong / max(1, len(pairs))}


def print_row(row: dict) -> None:
    """Print a line of the table."""
    recall = "" if row["recall"] is None else f"{row['recall']:.3f}"
    counts = f"{row['pairs']:,} | {row['of_two_patients']} | {row['precision']:.4f}"
    print(f"| {row['copy']} | {recall} | {counts} |", flush=True)


if __name__ == "__main__":
    main()
