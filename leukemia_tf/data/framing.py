"""Which part of a picture the network sees: finding the window, cutting it out, resizing it."""

from __future__ import annotations

import tensorflow as tf

from leukemia_tf.data.settings import BACKGROUND, parse_framing


def window(image: tf.Tensor, framing: str = "cell") -> tf.Tensor:
    """Return the rectangle that a framing cuts out; it may reach past the image.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB.
    framing : str
        See `leukemia_tf.data.settings.Preprocessing`.

    Returns
    -------
    tf.Tensor
        int32 [4]: top, left, height and width in the image's pixels. An image without a cell counts as all cell.
    """
    kind, side = parse_framing(framing)
    whole = tf.concat([[0, 0], tf.shape(image)[:2]], 0)
    if kind == "none":
        return whole
    box = whole if kind == "centre" else _cell_box(image)
    if kind == "tight":
        return box
    corner, extent = box[:2], box[2:]
    sides = tf.repeat(tf.reduce_max(extent), 2) if kind == "cell" else tf.constant([side, side])
    return tf.concat([corner - (sides - extent) // 2, sides], 0)


def _cell_box(image: tf.Tensor) -> tf.Tensor:
    """Return the box around the cell: int32 [4]; the whole image where there is no cell."""
    cell = tf.reduce_max(image, axis=-1) > BACKGROUND
    cell = tf.cond(tf.reduce_any(cell), lambda: cell, lambda: tf.ones_like(cell))
    rows = tf.where(tf.reduce_any(cell, axis=1))[:, 0]
    columns = tf.where(tf.reduce_any(cell, axis=0))[:, 0]
    box = [rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1]
    return tf.cast(tf.stack(box), tf.int32)


def cut_out(image: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """Cut a rectangle out of an image; black where it reaches past it.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3].
    box : tf.Tensor
        int32 [4], as from `window`.

    Returns
    -------
    tf.Tensor
        uint8 [box height, box width, 3].
    """
    top, left, height, width = tf.unstack(box)
    inside = image[tf.maximum(top, 0) : tf.maximum(top + height, 0), tf.maximum(left, 0) : tf.maximum(left + width, 0)]
    before = tf.stack([tf.maximum(-top, 0), tf.maximum(-left, 0), 0])
    after = tf.stack([height, width, 3]) - tf.shape(inside) - before
    return tf.pad(inside, tf.stack([before, after], axis=1))


def resize(image: tf.Tensor, size: int) -> tf.Tensor:
    """Resize to a square, bilinear and antialiased: uint8 [h, w, 3] -> uint8 [size, size, 3]."""

    def resampled() -> tf.Tensor:
        values = tf.image.resize(image, [size, size], antialias=True)
        return tf.cast(tf.round(tf.clip_by_value(values, 0, 255)), tf.uint8)

    there = tf.reduce_all(tf.equal(tf.shape(image)[:2], size))
    return tf.ensure_shape(tf.cond(there, lambda: image, resampled), [size, size, 3])
