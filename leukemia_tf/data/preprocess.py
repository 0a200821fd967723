"""From an image file's bytes to what a network sees, as one TensorFlow graph.

The same functions run in training, `predict`, Grad-CAM and inside the exported SavedModel.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

BACKGROUND = 10  # of 255: a pixel with no channel above this is background


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a cell; travels inside `model.keras`.

    Parameters
    ----------
    image_size : int
        Side of the square that the network sees, in pixels.
    """

    image_size: int


def decode(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a BMP, PNG or JPEG.

    Parameters
    ----------
    image_bytes : tf.Tensor
        string []: an image file's bytes.

    Returns
    -------
    tf.Tensor
        uint8 [height, width, 3], RGB, 0-255.
    """
    image = tf.io.decode_image(image_bytes, channels=3, expand_animations=False)
    return tf.ensure_shape(image, [None, None, 3])


def window(image: tf.Tensor) -> tf.Tensor:
    """Return the square around the cell: its box, padded evenly to a square; may reach past the image.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB.

    Returns
    -------
    tf.Tensor
        int32 [3]: top, left and side in the image's pixels; the whole image where there is no cell.
    """
    cell = tf.reduce_max(image, axis=-1) > BACKGROUND
    cell = tf.cond(tf.reduce_any(cell), lambda: cell, lambda: tf.ones_like(cell))
    rows = tf.where(tf.reduce_any(cell, axis=1))[:, 0]
    columns = tf.where(tf.reduce_any(cell, axis=0))[:, 0]
    top, left = rows[0], columns[0]
    height, width = rows[-1] - top + 1, columns[-1] - left + 1
    side = tf.maximum(height, width)
    return tf.cast(tf.stack([top - (side - height) // 2, left - (side - width) // 2, side]), tf.int32)


def cut_out(image: tf.Tensor, top_left_side: tf.Tensor) -> tf.Tensor:
    """Cut a square window out of an image; black where the window reaches past it.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3].
    top_left_side : tf.Tensor
        int32 [3], as from `window`.

    Returns
    -------
    tf.Tensor
        uint8 [side, side, 3].
    """
    top, left, side = tf.unstack(top_left_side)
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    inside = image[tf.maximum(top, 0) : top + side, tf.maximum(left, 0) : left + side]
    before = tf.stack([tf.maximum(-top, 0), tf.maximum(-left, 0), 0])
    after = tf.stack([tf.maximum(top + side - height, 0), tf.maximum(left + side - width, 0), 0])
    return tf.pad(inside, tf.stack([before, after], axis=1))


def preprocess(image: tf.Tensor, settings: Preprocessing) -> tf.Tensor:
    """Crop an image to its cell, pad it to a square, and resize it (bilinear, antialiased).

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB, 0-255.
    settings : Preprocessing
        The size.

    Returns
    -------
    tf.Tensor
        uint8 [image_size, image_size, 3], RGB, 0-255.
    """
    square = cut_out(image, window(image))
    size = settings.image_size
    resized = tf.image.resize(square, [size, size], antialias=True)
    return tf.cast(tf.round(tf.clip_by_value(resized, 0, 255)), tf.uint8)


def cell_from_bytes(image_bytes: tf.Tensor, settings: Preprocessing) -> tf.Tensor:
    """Decode and preprocess one image file; string [] -> uint8 [image_size, image_size, 3]."""
    return preprocess(decode(image_bytes), settings)


def cells_from_bytes(image_bytes: tf.Tensor, settings: Preprocessing) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode and preprocess image files; one that cannot be decoded leaves the others alone.

    Parameters
    ----------
    image_bytes : tf.Tensor
        string [n]: image files' bytes.
    settings : Preprocessing
        The size.

    Returns
    -------
    tuple of tf.Tensor
        uint8 [n, image_size, image_size, 3], black where a file cannot be decoded, and
        bool [n]: whether each file could be decoded.
    """
    count = tf.shape(image_bytes, out_type=tf.int64)[0]
    shape = [settings.image_size, settings.image_size, 3]
    files = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
    decoded = files.map(
        lambda index, content: (index, cell_from_bytes(content, settings)), num_parallel_calls=tf.data.AUTOTUNE
    ).ignore_errors()
    end = tf.data.Dataset.from_tensors((count, tf.zeros(shape, tf.uint8)))  # so that there is always one
    indices, cells = decoded.concatenate(end).batch(count + 1).get_single_element()
    indices, cells = indices[:-1, None], cells[:-1]
    spread = tf.scatter_nd(indices, tf.cast(cells, tf.int32), tf.stack([count, *shape]))
    readable = tf.scatter_nd(indices, tf.ones_like(indices[:, 0]), count[None]) > 0
    return tf.ensure_shape(tf.cast(spread, tf.uint8), [None, *shape]), readable
