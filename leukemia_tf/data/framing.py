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
    height, width, _ = tf.unstack(tf.shape(image))
    cell = tf.reshape(image, [height, width * 3]) > BACKGROUND  # flat: many times faster than reducing the colours
    columns = tf.reduce_any(tf.reshape(tf.reduce_any(cell, axis=0), [width, 3]), axis=1)
    top, rows = _span(tf.reduce_any(cell, axis=1))
    left, wide = _span(columns)
    return tf.stack([top, left, rows, wide])


def _span(inside: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return where a bool vector's True begin and how far they reach; all of it where none is."""
    inside = tf.cast(inside | ~tf.reduce_any(inside), tf.int32)
    first = tf.argmax(inside, output_type=tf.int32)
    after = tf.argmax(tf.reverse(inside, [0]), output_type=tf.int32)
    return first, tf.size(inside) - after - first


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

    def resampled(antialias: bool) -> tf.Tensor:
        values = tf.image.resize(image, [size, size], antialias=antialias)
        return tf.cast(tf.round(tf.clip_by_value(values, 0, 255)), tf.uint8)

    sides = tf.shape(image)[:2]
    resized = tf.case(
        [
            (tf.reduce_all(tf.equal(sides, size)), lambda: image),
            (tf.reduce_all(sides <= size), lambda: resampled(False)),  # the same when enlarging, and five times faster
        ],
        default=lambda: resampled(True),
    )
    return tf.ensure_shape(resized, [size, size, 3])
