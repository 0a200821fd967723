"""How well `segment` finds nucleus and cell, against experts' masks and beside Otsu's threshold.

    python benchmarks/segment.py

Pictures from LEUKEMIA_TF_SHARED/WBC_segmentation (else ../shared): Zheng et al. 2018, doi:10.1016/j.micron.2018.01.010.
Set 1: 120 x 120, rapid stain. Set 2: 300 x 300, many red cells. Dice coefficient of each picture, its mean over the
pictures with a 95 % interval from resampling pictures. Parameters were chosen on the first, third, ... picture of each
set (`tuned`); the others are `held out`. The last row of a set: the pictures cut to the cell's box. Otsu's threshold is
that of OpenCV on saturation or on inverted green.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.segmentation import NUCLEUS, find_cells
from leukemia_tf.data.segmentation_pictures import draw_mask

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
SETS = ("set1", "set2")
PARTS = {"all": slice(None), "tuned": slice(0, None, 2), "held out": slice(1, None, 2)}
RESAMPLES = 2000
Masks = tuple[np.ndarray, np.ndarray]  # bool [h, w]: nucleus, whole cell


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    folder = Path(os.environ.get("LEUKEMIA_TF_SHARED", SHARED)) / "WBC_segmentation"
    if not folder.is_dir():
        sys.exit(f"{folder}: no such folder. Set LEUKEMIA_TF_SHARED to the folder that holds WBC_segmentation.")
    cv2.setNumThreads(1)
    print("| set | pictures | method | nucleus | whole cell | ms a picture |\n|---|---|---|---|---|---|")
    rows = []
    for name in SETS:
        pairs = read_pairs(folder / name)
        for method, masks in METHODS.items():
            scores, seconds = score(masks, pairs)
            for part, chosen in PARTS.items():
                if method == "segment" or part == "all":
                    rows.append(as_row(name, part, method, scores[chosen], seconds[chosen]))
                    print_row(rows[-1])
        scores, seconds = score(by_segment, [cut_to_cell(*pair) for pair in pairs])
        rows.append(as_row(name, "cut to the cell's box", "segment", scores, seconds))
        print_row(rows[-1])
    print(json.dumps({"rows": rows}))


def read_pairs(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each picture, uint8 [h, w, 3], with the experts' mask, uint8 [h, w]."""
    paths = sorted(folder.glob("*_mask.png"))
    return [
        (read_image(path.with_name(path.name.replace("_mask", "")))[1], read_image(path)[1][..., 0]) for path in paths
    ]


def cut_to_cell(pixels: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut a picture and its mask to the cell's box: a crop that is nearly all cell."""
    x, y, width, height = cv2.boundingRect((truth > 0).astype(np.uint8))
    return np.ascontiguousarray(pixels[y : y + height, x : x + width]), truth[y : y + height, x : x + width]


def by_segment(pixels: np.ndarray) -> Masks:
    """Segment as the command does."""
    mask = draw_mask(pixels.shape, (cell for cell in find_cells(pixels) if not cell.problem))
    return mask == NUCLEUS, mask > 0


def by_saturation(pixels: np.ndarray) -> Masks:
    """Take Otsu's threshold of the saturation for both."""
    mask = otsu(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)[..., 1])
    return mask, mask


def by_green(pixels: np.ndarray) -> Masks:
    """Take Otsu's threshold of the inverted green channel for both."""
    mask = otsu(255 - pixels[..., 1])
    return mask, mask


def otsu(values: np.ndarray) -> np.ndarray:
    """Return where values are above Otsu's threshold."""
    return cv2.threshold(values, 0, 255, cv2.THRESH_OTSU)[1] > 0


METHODS: dict[str, Callable[[np.ndarray], Masks]] = {
    "segment": by_segment,
    "Otsu, saturation": by_saturation,
    "Otsu, green": by_green,
}


def score(masks: Callable[[np.ndarray], Masks], pairs: list) -> tuple[np.ndarray, np.ndarray]:
    """Return the Dice of nucleus and cell of each picture, float [n, 2], and the processor's seconds, float [n]."""
    scores, seconds = [], []
    for pixels, truth in pairs:
        start = time.process_time()
        nucleus, cell = masks(pixels)
        seconds.append(time.process_time() - start)
        scores.append((dice(nucleus, truth == NUCLEUS), dice(cell, truth > 0)))
    return np.array(scores), np.array(seconds)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Return twice the common area over the sum of both."""
    return 2 * float((one & other).sum()) / max(1, int(one.sum()) + int(other.sum()))


def as_row(name: str, part: str, method: str, scores: np.ndarray, seconds: np.ndarray) -> dict:
    """Return means with their intervals."""
    draws = np.random.default_rng(0).integers(len(scores), size=(RESAMPLES, len(scores)))
    low, high = np.percentile(scores[draws].mean(1), (2.5, 97.5), axis=0)
    values = {
        key: {"value": float(scores[:, place].mean()), "low": float(low[place]), "high": float(high[place])}
        for place, key in enumerate(("nucleus", "cell"))
    }
    worst = [float(lowest) for lowest in scores.min(0)]
    row = {"set": name, "part": part, "pictures": len(scores), "method": method, **values, "worst": worst}
    return {**row, "milliseconds": 1000 * float(seconds.mean()), "slowest_milliseconds": 1000 * float(seconds.max())}


def print_row(row: dict) -> None:
    """Print a line of the table."""
    texts = [f"{row[key]['value']:.3f} [{row[key]['low']:.3f}, {row[key]['high']:.3f}]" for key in ("nucleus", "cell")]
    pictures = f"{row['pictures']}, {row['part']}"
    times = f"{row['milliseconds']:.0f}, at most {row['slowest_milliseconds']:.0f}"
    print(f"| {row['set']} | {pictures} | {row['method']} | {' | '.join(texts)} | {times} |", flush=True)


if __name__ == "__main__":
    main()
