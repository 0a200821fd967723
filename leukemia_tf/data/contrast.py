"""Contrast enhancement: histogram equalization and CLAHE, as OpenCV does them.

Every function takes and returns uint8 [size, size, 3], RGB, 0-255.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

TILES = 8  # of CLAHE, along each side
CLIP = 2.0  # of CLAHE: a bin may hold so many times the mean
LUMA = (4899, 9617, 1868)  # of 2^14: ITU-R BT.601, in OpenCV's fixed point


def luma(image: tf.Tensor) -> tf.Tensor:
    """Return the luma: int32 [h, w], 0-255, rounded as OpenCV rounds it."""
    red, green, blue = (tf.cast(channel, tf.int32) for channel in tf.unstack(image, axis=-1))
    return tf.bitwise.right_shift(red * LUMA[0] + green * LUMA[1] + blue * LUMA[2] + (1 << 13), 14)


def _with_luma(image: tf.Tensor, old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
    """Give an image another luma and leave its chroma: in YUV that adds the difference to every channel."""
    moved = tf.cast(image, tf.int16) + tf.cast(new - old, tf.int16)[..., None]
    return tf.cast(tf.clip_by_value(moved, 0, 255), tf.uint8)


def equalize(image: tf.Tensor) -> tf.Tensor:
    """Equalize the histogram of the luma."""
    old = luma(image)
    return _with_luma(image, old, _equalized(old))


def grey_equalize(image: tf.Tensor) -> tf.Tensor:
    """Turn grey, and equalize the histogram."""
    grey = tf.cast(_equalized(luma(image)), tf.uint8)
    return tf.repeat(grey[..., None], 3, axis=-1)


def _equalized(grey: tf.Tensor) -> tf.Tensor:
    """Equalize int32 [h, w] as `cv2.equalizeHist` does: the darkest level present becomes 0, the brightest 255."""
    counts = tf.math.bincount(tf.reshape(grey, [-1]), minlength=256, maxlength=256)
    darkest = counts[tf.reduce_min(grey)]
    others = tf.maximum(tf.size(grey) - darkest, 1)
    table = tf.round(tf.cast(tf.cumsum(counts) - darkest, tf.float32) * (255.0 / tf.cast(others, tf.float32)))
    return tf.cond(tf.equal(darkest, tf.size(grey)), lambda: grey, lambda: tf.gather(tf.cast(table, tf.int32), grey))


def clahe(image: tf.Tensor) -> tf.Tensor:
    """Equalize the luma tile by tile with limited contrast, as `cv2.createCLAHE(2.0, (8, 8))` on Y of YUV.

    Source: Zuiderveld 1994, Graphics Gems IV.
    """
    old = luma(image)
    return _with_luma(image, old, _clahe_grey(old, image.shape[0]))


def _clahe_grey(grey: tf.Tensor, size: int) -> tf.Tensor:
    missing = -size % TILES
    tile = (size + missing) // TILES
    padded = tf.pad(grey, [[0, missing], [0, missing]], mode="REFLECT") if missing else grey
    place = (np.arange(size, dtype=np.float32) * np.float32(1 / tile)) - np.float32(0.5)
    share = (place - np.floor(place))[:, None]
    before = np.floor(place).astype(int)  # the tile whose centre comes before each pixel; -1 at the rim
    low, high = (np.clip(before + step, 0, TILES - 1)[:, None].astype(np.int32) for step in (0, 1))
    tables = tf.reshape(_clipped_tables(padded, tile), [TILES, TILES, 256])
    pairs = tf.gather(tables, np.arange(-1, TILES).clip(0), axis=1), tf.gather(tables, np.r_[:TILES, TILES - 1], axis=1)
    pair = tf.reshape(tf.complex(*pairs), [-1])  # left and right tile, looked up at once
    column = (before + 1).astype(np.int32)
    top, bottom = (tf.gather(pair, (row * (TILES + 1) + column) * 256 + grey) for row in (low, high))
    both = top * (1 - share).astype(np.complex64) + bottom * share.astype(np.complex64)
    return tf.cast(tf.round(tf.math.real(both) * (1 - share.T) + tf.math.imag(both) * share.T), tf.int32)


def _clipped_tables(grey: tf.Tensor, tile: int) -> tf.Tensor:
    """Return each tile's look-up table, its histogram clipped and the excess spread: float32 [tiles ** 2, 256]."""
    numbers = tf.repeat(tf.range(TILES), tile)
    binned = (numbers[:, None] * TILES + numbers) * 256 + grey
    counts = tf.math.bincount(tf.reshape(binned, [-1]), minlength=TILES**2 * 256, maxlength=TILES**2 * 256)
    counts = tf.reshape(counts, [TILES**2, 256])
    limit = max(1, int(CLIP * tile * tile / 256))
    excess = tf.reduce_sum(tf.maximum(counts - limit, 0), axis=1, keepdims=True)
    rest = excess % 256
    step = tf.maximum(256 // tf.maximum(rest, 1), 1)
    bins = tf.range(256)[None]
    extra = tf.cast((bins % step == 0) & (bins // step < rest), tf.int32)
    spread = tf.minimum(counts, limit) + excess // 256 + extra
    sums = tf.cast(tf.cumsum(spread, axis=1), tf.float32)
    return tf.minimum(tf.round(sums * (255.0 / (tile * tile))), 255)


CONTRAST: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "none": tf.identity,
    "clahe": clahe,
    "equalize": equalize,
    "grey-equalize": grey_equalize,
}
