"""The displacement of the red and the blue channel against green: measured to a tenth of a pixel, and undone.

A camera or an objective displaces the colours of a whole session by a fraction of a pixel. It is measured by least
squares (Gauss-Newton) on band-passed channels inside the cell. `audit` and the preprocessing graph share this code.

Source: Lucas & Kanade 1981, IJCAI; interpolation: Keys 1981, IEEE Transactions on ASSP 29:1153-1160.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from leukemia_tf.data.framing import cut_out, window
from leukemia_tf.data.preprocessing import BACKGROUND

FINE, COARSE = 1.0, 3.0  # pixels: standard deviations of the Gaussians whose difference is the band
MARGIN = 9  # pixels: nearer to the outline the band sees the background
LARGEST_SHIFT = 1.5  # pixels
ITERATIONS = 4
TAPS = 3  # on either side: what a cubic needs at the largest shift
FEWEST_PIXELS = 200  # inside the margin
LEAST_CONTRAST = 0.1  # grey levels: standard deviation of green's band
LEAST_CORRELATION = 0.3  # of a channel's band with green's
LARGEST_LAST_STEP = 0.2  # pixels: with a larger one it has not converged


def cell_mask(image: tf.Tensor) -> tf.Tensor:
    """Return which pixels are the cell: uint8 [h, w, 3] -> bool [h, w]."""
    return tf.reduce_max(image, axis=-1) > BACKGROUND


def channel_shifts(image: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """Measure how far red and blue are displaced against green, inside the cell.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB, 0-255.
    inside : tf.Tensor
        bool [height, width], the cell.

    Returns
    -------
    tf.Tensor
        float32 [2, 2]: x and y of red, then of blue, in pixels, within 1.5; positive where the channel lies to the
        right of green, or below it. NaN where it cannot be measured: no cell or a small one, one without texture, or
        a channel that does not show what green shows.
    """
    bands = _band_pass(tf.cast(image, tf.float32))
    weight = _eroded(inside)[..., None]
    green, others = bands[..., 1:2], tf.gather(bands, [0, 2], axis=-1)
    unknowns = weight * tf.concat([green, *_gradient(green)], -1)  # scale, and the shift across and down
    unknowns = tf.reshape(unknowns, [-1, 3])
    products = tf.matmul(unknowns, unknowns, transpose_a=True)
    power, xx, yy, xy = products[0, 0], products[1, 1], products[2, 2], products[1, 2]
    determinant = tf.maximum(xx * yy - xy**2, 1e-6 + 1e-3 * (xx + yy) ** 2)
    shift, step, moved = tf.zeros([2, 2]), tf.zeros([2, 2]), others
    for _ in range(ITERATIONS):
        scale, rest = _fit(unknowns, products, moved)
        step = tf.stack([yy * rest[0] - xy * rest[1], xx * rest[1] - xy * rest[0]], -1) / determinant
        step = tf.clip_by_value(step / tf.maximum(scale, 1e-3)[:, None], -1, 1)
        shift = tf.clip_by_value(shift - step, -LARGEST_SHIFT, LARGEST_SHIFT)
        moved = displaced(others, shift)
    scale, _ = _fit(unknowns, products, moved)
    energy, pixels = tf.reduce_sum(weight * moved**2, axis=(0, 1)), tf.reduce_sum(weight)
    correlation = scale * tf.sqrt(power / tf.maximum(energy, 1e-6))
    trusted = (correlation > LEAST_CORRELATION) & (power > LEAST_CONTRAST**2 * pixels) & (pixels >= FEWEST_PIXELS)
    trusted &= tf.reduce_all((tf.abs(step) < LARGEST_LAST_STEP) & (tf.abs(shift) < LARGEST_SHIFT), axis=-1)
    return tf.where(trusted[:, None], shift, np.nan)


def _fit(unknowns: tf.Tensor, products: tf.Tensor, moved: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return by what green's band is multiplied in each channel, [2], and what its gradient shares with the rest."""
    shared = tf.matmul(unknowns, tf.reshape(moved, [-1, 2]), transpose_a=True)
    scale = shared[0] / tf.maximum(products[0, 0], 1e-6)
    return scale, shared[1:] - scale * products[1:, :1]


def register_channels(image: tf.Tensor) -> tf.Tensor:
    """Move red and blue onto green inside the cell; its outline, and a cell that cannot be measured, stay as they are.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB, 0-255, on a black background.

    Returns
    -------
    tf.Tensor
        uint8 [height, width, 3], RGB.
    """
    box = window(image, "tight")
    rest = tf.shape(image)[:2] - box[:2] - box[2:]
    around = tf.concat([tf.stack([box[:2], rest], axis=1), [[0, 0]]], 0)
    new = tf.pad(_registered(tf.ensure_shape(cut_out(image, box), [None, None, 3])), around)
    return tf.ensure_shape(tf.where(cell_mask(new)[..., None], new, image), image.shape)


def _registered(cell: tf.Tensor) -> tf.Tensor:
    inside = cell_mask(cell)
    shifts = channel_shifts(cell, inside)
    shifts = tf.where(tf.math.is_nan(shifts), 0.0, shifts)
    weight = tf.cast(inside, tf.float32)[..., None]
    values = tf.cast(cell, tf.float32) * weight
    others = tf.gather(values, [0, 2], axis=-1)
    share = displaced(tf.repeat(weight, 2, -1), shifts)  # below 1 where the background would be mixed in
    moved = _dithered(tf.where(share > 0.5, displaced(others, shifts) / tf.maximum(share, 0.5), others))
    red, blue = tf.unstack(moved, axis=-1)
    new = tf.stack([red, cell[..., 1], blue], -1)
    return tf.where((inside & cell_mask(new))[..., None], new, cell)


def _dithered(planes: tf.Tensor) -> tf.Tensor:
    """Round up or down by a fixed pattern, so that the mean is kept: rounding to the nearest undoes small shifts.

    Source: the R2 sequence of Roberts 2018, "The unreasonable effectiveness of quasirandom sequences".
    """
    sides = tf.shape(planes)
    down, across = (tf.range(tf.cast(sides[axis], tf.float32)) for axis in (0, 1))
    pattern = tf.math.floormod(0.7548777 * across[None] + 0.5698403 * down[:, None], 1.0)
    exact = tf.round(planes)
    planes = tf.where(tf.abs(planes - exact) < 1e-3, exact, planes + pattern[..., None])
    return tf.cast(tf.clip_by_value(tf.floor(planes), 0, 255), tf.uint8)


def displaced(planes: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Sample each plane where its displacement has carried it, by cubic convolution.

    Parameters
    ----------
    planes : tf.Tensor
        float32 [height, width, k].
    shifts : tf.Tensor
        float32 [k, 2]: x and y in pixels, -1.5 to 1.5.

    Returns
    -------
    tf.Tensor
        float32 [height, width, k]; 0 counts beyond the edge.
    """
    weights = _cubic(tf.range(-TAPS, TAPS + 1, dtype=tf.float32)[:, None, None] - tf.transpose(shifts)[None])
    return _separable(planes, weights[:, 1], weights[:, 0])


def _cubic(distance: tf.Tensor) -> tf.Tensor:
    """Return Keys's cubic kernel (a = -0.5)."""
    far = tf.abs(distance)
    near = (1.5 * far - 2.5) * far**2 + 1
    beyond = ((-0.5 * far + 2.5) * far - 4) * far + 2
    return tf.where(far <= 1, near, tf.where(far < 2, beyond, 0.0))


def _separable(planes: tf.Tensor, down: tf.Tensor, across: tf.Tensor) -> tf.Tensor:
    """Filter each plane along both axes: [h, w, k] with two filters [taps, k]."""
    once = tf.nn.depthwise_conv2d(planes[None], down[:, None, :, None], [1, 1, 1, 1], "SAME")
    return tf.nn.depthwise_conv2d(once, across[None, :, :, None], [1, 1, 1, 1], "SAME")[0]


def _band_pass(image: tf.Tensor) -> tf.Tensor:
    fine, coarse = (np.repeat(_gaussian(width)[:, None], 3, 1) for width in (FINE, COARSE))
    return _separable(image, fine, fine) - _separable(image, coarse, coarse)


def _gaussian(width: float) -> np.ndarray:
    reach = int(np.ceil(3 * width))
    values = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * width**2))
    return (values / values.sum()).astype(np.float32)


def _gradient(plane: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the central differences across and down; [h, w, 1] both."""
    padded = tf.pad(plane, [[1, 1], [1, 1], [0, 0]])
    return (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2


def _eroded(inside: tf.Tensor) -> tf.Tensor:
    """Return the cell without its margin, nor the picture's: float32 [h, w], 0 or 1."""
    outside = tf.pad(1 - tf.cast(inside, tf.float32), [[MARGIN, MARGIN]] * 2, constant_values=1.0)[None, ..., None]
    side = 2 * MARGIN + 1
    for sides in ((side, 1), (1, side)):
        outside = tf.nn.max_pool2d(outside, sides, 1, "VALID")
    return 1 - outside[0, ..., 0]
