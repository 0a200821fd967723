"""Contrast and colour, made alike: histogram equalization as OpenCV does it, CLAHE, and stain normalisation.

Every function takes and returns uint8 [size, size, 3], RGB, 0-255.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from leukemia_tf.data.settings import BACKGROUND

TILES = 8  # of CLAHE, along each side
CLIP = 2.0  # of CLAHE: a bin may hold so many times the mean
LUMA = (4899, 9617, 1868)  # of 2^14: ITU-R BT.601, in OpenCV's fixed point
STAIN_MEAN = np.array(
    [18.6, 27.3, -22.2], np.float32
)  # CIE LAB inside the cell: where `stain` moves every cell's mean and deviation
STAIN_DEVIATION = np.array([4.1, 3.1, 3.3], np.float32)
_TO_XYZ = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]], np.float32
)
_WHITE = np.array([0.950456, 1.0, 1.088754], np.float32)


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


def normalise_stain(image: tf.Tensor) -> tf.Tensor:
    """Move the colours inside the cell to a fixed mean and deviation in CIE LAB; leave the background.

    Source: Reinhard et al. 2001, "Color transfer between images", in CIE LAB as is usual for stains.
    """
    planes = tf.cast(tf.transpose(image, [2, 0, 1]), tf.float32)
    cell = tf.reduce_max(planes, axis=0) > BACKGROUND
    inside = tf.cast(cell, tf.float32)
    count = tf.maximum(tf.reduce_sum(inside), 1)
    lab = rgb_to_lab(planes / 255)
    mean = tf.reduce_sum(lab * inside, axis=[1, 2], keepdims=True) / count
    deviation = tf.sqrt(tf.reduce_sum((lab - mean) ** 2 * inside, axis=[1, 2], keepdims=True) / count)
    wanted_mean, wanted_deviation = (np.reshape(values, (3, 1, 1)) for values in (STAIN_MEAN, STAIN_DEVIATION))
    moved = lab_to_rgb((lab - mean) * (wanted_deviation / tf.maximum(deviation, 0.5)) + wanted_mean)
    values = tf.where(cell, tf.round(255 * moved), planes)
    return tf.transpose(tf.cast(values, tf.uint8), [1, 2, 0])


def rgb_to_lab(rgb: tf.Tensor) -> tf.Tensor:
    """Convert sRGB (float, 0-1) to CIE LAB (D65; L 0-100), over the first axis."""
    linear = tf.where(rgb > 0.04045, _power((rgb + 0.055) / 1.055, 2.4), rgb / 12.92)
    xyz = _mix(_TO_XYZ / _WHITE[:, None], linear)
    x, y, z = tf.unstack(tf.where(xyz > 0.008856, _power(xyz, 1 / 3), 7.787 * xyz + 16 / 116))
    return tf.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def lab_to_rgb(lab: tf.Tensor) -> tf.Tensor:
    """Convert CIE LAB (D65) to sRGB (float, 0-1; other colours are cut), over the first axis."""
    lightness, a, b = tf.unstack(lab)
    y = (lightness + 16) / 116
    root = tf.stack([y + a / 500, y, y - b / 200])
    xyz = tf.where(root > 0.206893, root * root * root, (root - 16 / 116) / 7.787)
    linear = tf.clip_by_value(_mix(np.linalg.inv(_TO_XYZ / _WHITE[:, None]), xyz), 0, 1)
    return tf.where(linear > 0.0031308, 1.055 * _power(linear, 1 / 2.4) - 0.055, 12.92 * linear)


def _power(values: tf.Tensor, exponent: float) -> tf.Tensor:
    """Raise to a power; many times faster than `tf.pow`."""
    return tf.exp(exponent * tf.math.log(tf.maximum(values, 1e-6)))


def _mix(matrix: np.ndarray, planes: tf.Tensor) -> tf.Tensor:
    """Multiply a 3 x 3 matrix with the first axis."""
    first, second, third = tf.unstack(planes)
    return tf.stack([row[0] * first + row[1] * second + row[2] * third for row in matrix.tolist()])


CONTRAST: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {
    "none": tf.identity,
    "clahe": clahe,
    "equalize": equalize,
    "grey-equalize": grey_equalize,
    "stain": normalise_stain,
}
