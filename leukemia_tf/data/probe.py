"""A picture drawn by code: what the preprocessing makes of it changes when any constant of the preprocessing does."""

from __future__ import annotations

import hashlib

import numpy as np
import tensorflow as tf

from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.preprocessing_graph import cell_from_bytes

HEIGHT, WIDTH = 420, 460
CENTRE, RADII = (190, 250), (150, 170)  # off-centre; larger than many windows


def probe_picture() -> np.ndarray:
    """Return a cell with many colours and an edge that fades into the background.

    Returns
    -------
    numpy.ndarray
        uint8 [HEIGHT, WIDTH, 3], RGB; the same on every machine.
    """
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = ((rows - CENTRE[0]) / RADII[0]) ** 2 + ((columns - CENTRE[1]) / RADII[1]) ** 2
    brightness = np.clip(1 - distance, 0, 1) ** 2  # each level from 0 on: another threshold, another outline
    colours = np.stack([60 + (rows * 7 + columns * 3) % 97, 25 + (rows * 5 + columns) % 61, 90 + columns % 113], -1)
    return np.floor(colours * brightness[..., None]).astype(np.uint8)


def displaced_picture() -> np.ndarray:
    """Return a textured disc whose channels lie apart by parts of a pixel: uint8 [HEIGHT, WIDTH, 3], RGB."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = np.hypot(rows - CENTRE[0], columns - CENTRE[1]) < min(RADII)
    planes = []
    for right, down in ((0.3, -0.2), (0, 0), (-0.6, 0.1)):  # of red, green and blue, in pixels
        x, y = columns - right, rows - down
        planes.append(100 + 20 * np.sin(x / 2 + np.sin(y / 7)) + 20 * np.sin(y / 2.5 + np.cos(x / 9)))
    return np.floor(np.stack(planes, -1) * inside[..., None]).astype(np.uint8)


def probe_hash(settings: Preprocessing) -> str:
    """Return a hash of what the preprocessing graph makes of the probe picture now; of the displaced one, too."""
    pictures = [probe_picture(), *([displaced_picture()] if settings.register_channels else [])]
    cells = [cell_from_bytes(tf.io.encode_png(picture), settings).numpy().tobytes() for picture in pictures]
    return hashlib.sha256(b"".join(cells)).hexdigest()
