"""The part of a picture that the network sees: finding the window, cutting it out, resizing it."""

from __future__ import annotations

import tensorflow as tf

from leukemia_tf.data.preprocessing import BACKGROUND, parse_framing


def window(image: tf.Tensor, framing: str = "cell") -> tf.Tensor:
    """Return the rectangle that a framing cuts out; it may reach past the image.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB.
    framing : str
        See `leukemia_tf.data.preprocessing.Preprocessing`.

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
    top, bottom = _ends(tf.reduce_max(image, axis=[1, 2]) > BACKGROUND)
    left, right = _ends(tf.reduce_max(tf.reduce_max(image[top:bottom], axis=0), axis=1) > BACKGROUND)
    return tf.stack([top, left, bottom - top, right - left])


def _ends(inside: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the index of a bool vector's first True and the one after its last; the whole vector if there is none."""
    places = tf.cast(tf.where(inside | ~tf.reduce_any(inside))[:, 0], tf.int32)
    return places[0], places[-1] + 1


def cut_out(image: tf.Tensor, box: tf.Tensor) -> tf.Tensor:
    """Cut a rectangle out of an image; black where it reaches past it.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3].
    box : tf.Tensor
        int32 [4], as from `window`; it meets the image.

    Returns
    -------
    tf.Tensor
        uint8 [box height, box width, 3].
    """
    first, after = box[:2], box[:2] + box[2:]
    begin, end = tf.maximum(first, 0), tf.minimum(after, tf.shape(image)[:2])
    inside = tf.slice(image, tf.concat([begin, [0]], 0), tf.concat([end - begin, [3]], 0))
    return tf.pad(inside, tf.concat([tf.stack([begin - first, after - end], axis=1), [[0, 0]]], 0))


def resize(image: tf.Tensor, size: int) -> tf.Tensor:
    """Resize to a square, bilinear and antialiased: uint8 [h, w, 3] -> uint8 [size, size, 3]."""
    if image.shape[:2] == (size, size):
        return image

    def resampled(antialias: bool) -> tf.Tensor:
        values = tf.image.resize(image, [size, size], antialias=antialias)
        return tf.cast(tf.round(tf.clip_by_value(values, 0, 255)), tf.uint8)

    sides = tf.shape(image)[:2]
    enlarged = tf.reduce_all(sides <= size)  # antialiasing changes nothing then, and is five times slower
    resized = tf.cond(enlarged, lambda: resampled(False), lambda: resampled(True))
    return tf.ensure_shape(resized, [size, size, 3])
