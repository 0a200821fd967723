"""The misclassified cells, by patient, framed in red."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.outline import is_bright
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.reporting.blocks import Block, Gallery, Text, Thumb
from leukemia_tf.reporting.page import picture_source

SIDE = 150  # pixels of a picture
PATIENTS, CELLS = 12, 8  # shown: patients with most errors, and of each the cells farthest from the threshold
MARGIN = 0.1  # of the cell, around it


def error_montage(
    predictions: Sequence[Prediction], thresholds: float | np.ndarray, folder: Path | None
) -> list[Block]:
    """Return a gallery of each patient with misclassified cells, those with most of them first.

    Parameters
    ----------
    predictions : sequence of Prediction
        As from `by_patient_group`.
    thresholds : float or numpy.ndarray
        Of the decision; one for all, or float [n].
    folder : pathlib.Path or None
        Where the cells lie; without it there is no gallery.
    """
    limits = np.broadcast_to(thresholds, len(predictions)).tolist()
    wrong = [(row, limit) for row, limit in zip(predictions, limits) if (_called(row, limit)) != row.label]
    if folder is None or not wrong:
        return [] if folder is None else [Text("No cell is misclassified.")]
    cells = Counter(row.patient for row in predictions)
    errors = Counter(row.patient for row, _ in wrong)
    shown = [name for name, _ in sorted(errors.items(), key=lambda item: (-item[1], item[0]))[:PATIENTS]]
    rest = f"The {PATIENTS} patients with most wrong cells, of {len(errors)}. " if len(errors) > PATIENTS else ""
    about = f"{rest}A caption has the file, the probability of {LABEL_NAMES['all']}, and the threshold."
    return [Text(about), *(_gallery(name, cells[name], wrong, folder) for name in shown)]


def _gallery(patient: str, cells: int, wrong: Iterable[tuple[Prediction, float]], folder: Path) -> Gallery:
    rows = [(row, limit) for row, limit in wrong if row.patient == patient]
    first = sorted(rows, key=lambda pair: (-abs((pair[0].probability or 0.0) - pair[1]), pair[0].path))[:CELLS]
    label = LABEL_NAMES[rows[0][0].label]
    some = f"; the {len(first)} farthest from the threshold" if len(first) < len(rows) else ""
    title = f"Patient {patient}, {label}: {len(rows):,} of {cells:,} cells wrong{some}"
    return Gallery(title, [cell_thumb(row, limit, folder) for row, limit in first], small=True)


def cell_thumb(row: Prediction, threshold: float, folder: Path, more: str = "") -> Thumb:
    """Return a cell's picture, framed in red if it is misclassified, with file, probability and threshold."""
    called = _called(row, threshold)
    probability = f"p\u00a0=\u00a0{row.probability:.3f}"
    caption = f"{Path(row.path).name}: {probability}, threshold\u00a0{threshold:.3g}{more}"
    alternative = f"Cell {Path(row.path).name} of patient {row.patient}, label {LABEL_NAMES[row.label]}"
    text = f"{alternative}, predicted {LABEL_NAMES[called]}"
    return Thumb(picture_source(picture_of(folder / row.path)), SIDE, SIDE, text, caption, called != row.label)


def picture_of(path: Path, side: int = SIDE) -> np.ndarray:
    """Return a cell, brightened, cut out with a margin and scaled: uint8 [side, side, 3]."""
    image = read_image(path)[1]
    rows, columns = np.nonzero(is_bright(image))
    if len(rows):
        middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
        half = int((0.5 + MARGIN) * max(np.ptp(rows), np.ptp(columns))) + 1
        padded = np.pad(image, ((half, half), (half, half), (0, 0)))
        image = padded[middle[0] : middle[0] + 2 * half, middle[1] : middle[1] + 2 * half]
    brightest = np.percentile(image[image.any(-1)], 99.5) if image.any() else 1
    bright = np.clip(image * (235 / max(1.0, brightest)), 0, 255).astype(np.uint8)
    return cv2.resize(bright, (side, side), interpolation=cv2.INTER_AREA)


def _called(row: Prediction, threshold: float) -> str:
    return "all" if (row.probability or 0.0) >= threshold else "hem"
