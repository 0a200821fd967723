"""What storing a picture as JPEG does to it, as arithmetic: inside a training step, on any Keras backend.

ITU-T T.81 without its lossless part: Y'CbCr (JFIF), colours at half resolution, cosine transform of 8 x 8 pixels,
rounding by the tables of Annex K at the scale of the Independent JPEG Group.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

LUMA = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
], np.float32)  # fmt: skip
CHROMA = np.full((8, 8), 99, np.float32)
CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_FREQUENCY, _PLACE = np.arange(8)[:, None], np.arange(8)[None]
COSINES = (np.cos((2 * _PLACE + 1) * _FREQUENCY * np.pi / 16) * np.where(_FREQUENCY, 0.5, 8**-0.5)).astype(np.float32)


def stored_as_jpeg(pixels: Any, quality: Any) -> Any:
    """Return pictures as they are after they were stored as JPEG.

    Parameters
    ----------
    pixels : tensor
        float32 [n, size, size, 3], RGB, whole numbers of 0-255.
    quality : tensor
        float32 [n], whole numbers of 1-100.

    Returns
    -------
    tensor
        Like `pixels`; within a few grey levels of libjpeg's.
    """
    size = pixels.shape[1]
    missing = -size % 16
    padded = ops.pad(pixels, ((0, 0), (0, missing), (0, missing), (0, 0)), mode="symmetric") if missing else pixels
    luma, *colours = (sum(padded[..., c] * float(row[c]) for c in range(3)) for row in _TO_YCC)
    scale = ops.where(quality < 50, 5000 / quality, 200 - 2 * quality)[:, None, None]
    y = _coded(ops.round(luma) - 128, LUMA, scale) + 128
    blue, red = (_doubled(_coded(ops.round(_halved(plane)), CHROMA, scale)) for plane in colours)
    rgb = ops.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    return ops.clip(ops.round(rgb), 0.0, 255.0)[:, :size, :size]


def _coded(plane: Any, table: np.ndarray, scale: Any) -> Any:
    """Round the cosine transform of each 8 x 8 pixels: float32 [n, h, w], zero in the middle -> the same."""
    height, width = plane.shape[1:3]
    steps = ops.clip(ops.floor((table * scale + 50) / 100), 1.0, 255.0)[:, None, :, None, :]
    blocks = ops.reshape(plane, (-1, height // 8, 8, width // 8, 8))
    rounded = ops.round(_transformed(blocks, COSINES) / steps) * steps
    back = ops.reshape(_transformed(rounded, COSINES.T), (-1, height, width))
    return ops.clip(ops.round(back), -128.0, 127.0)


def _transformed(blocks: Any, matrix: np.ndarray) -> Any:
    """Multiply rows and columns of each block with a matrix: float32 [n, a, 8, b, 8]."""
    across = ops.einsum("naibj,kj->naibk", blocks, matrix)
    return ops.einsum("naibk,li->nalbk", across, matrix)


def _halved(plane: Any) -> Any:
    """Return the means of 2 x 2 pixels."""
    height, width = plane.shape[1:3]
    return ops.mean(ops.reshape(plane, (-1, height // 2, 2, width // 2, 2)), axis=(2, 4))


def _doubled(plane: Any) -> Any:
    """Return a plane at twice the resolution, each pixel 3 to 1 from the nearest two, along both sides."""
    for axis in (1, 2):
        ends = [(0, 0)] * 3
        ends[axis] = (1, 1)
        wide, count = ops.pad(plane, ends, mode="symmetric"), plane.shape[axis]
        before, after = (ops.take(wide, np.arange(start, start + count), axis=axis) for start in (0, 2))
        pair = ops.stack([0.75 * plane + 0.25 * before, 0.75 * plane + 0.25 * after], axis=axis + 1)
        shape = list(plane.shape)
        shape[0], shape[axis] = -1, 2 * count
        plane = ops.reshape(pair, shape)
    return plane
