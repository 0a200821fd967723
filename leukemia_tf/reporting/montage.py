"""The misclassified cells, by patient, framed in red."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
FEW, LARGEST = 3, 32  # a patient with fewer errors shares a gallery with others, of so many cells at most
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
    cells, errors = Counter(row.patient for row in predictions), Counter(row.patient for row, _ in wrong)
    names = sorted(errors, key=lambda name: (-errors[name], name))
    many = [name for name in names if errors[name] >= FEW][:PATIENTS]
    few = [pair for name in names if errors[name] < FEW for pair in wrong if pair[0].patient == name]
    hidden = sum(errors[name] >= FEW for name in names) - len(many)
    rest = f"{hidden} patients with fewer wrong cells are left out. " if hidden else ""
    about = f"{rest}A caption has the file, the probability of {LABEL_NAMES['all']}, and the threshold."
    galleries = [
        _gallery(name, cells[name], [pair for pair in wrong if pair[0].patient == name], folder) for name in many
    ]
    return [Text(about), *galleries, *([_gallery_of_few(few, folder)] if few else [])]


def _gallery(patient: str, cells: int, rows: Sequence[tuple[Prediction, float]], folder: Path) -> Gallery:
    first = sorted(rows, key=lambda pair: (-abs((pair[0].probability or 0.0) - pair[1]), pair[0].path))[:CELLS]
    label = LABEL_NAMES[rows[0][0].label]
    some = f"; the {len(first)} farthest from the threshold" if len(first) < len(rows) else ""
    title = f"Patient {patient}, {label}: {len(rows):,} of {cells:,} cells wrong{some}"
    return Gallery(title, [cell_thumb(row, limit, folder) for row, limit in first], small=True)


def _gallery_of_few(rows: Sequence[tuple[Prediction, float]], folder: Path) -> Gallery:
    shown = rows[:LARGEST]
    some = f": {len(shown)} of {len(rows):,} cells" if len(shown) < len(rows) else ""
    thumbs = [cell_thumb(row, limit, folder, f", patient\u00a0{row.patient}") for row, limit in shown]
    return Gallery(f"Patients with fewer than {FEW} wrong cells{some}", thumbs, small=True)


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
