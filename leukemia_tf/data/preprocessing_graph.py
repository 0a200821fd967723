"""From an image file's bytes to what a network sees, as one TensorFlow graph.

The same functions run in training, `predict`, Grad-CAM and inside the exported SavedModel.
"""

from __future__ import annotations

import tensorflow as tf

from leukemia_tf.data.channel_shift import register_channels
from leukemia_tf.data.contrast import CONTRAST
from leukemia_tf.data.decoding import decode, is_sound
from leukemia_tf.data.framing import cut_out, resize, window
from leukemia_tf.data.image_statistics import IMAGE_STATISTICS, image_statistics
from leukemia_tf.data.preprocessing import Preprocessing, parse_framing
from leukemia_tf.data.stain import STAIN_NORMALIZATION


def preprocess(image: tf.Tensor, settings: Preprocessing) -> tf.Tensor:
    """Register an image's channels, frame and resize it (bilinear, antialiased), normalise its stain, set its contrast.

    Parameters
    ----------
    image : tf.Tensor
        uint8 [height, width, 3], RGB, 0-255.
    settings : Preprocessing
        Registration, framing, size, stain normalisation and contrast.

    Returns
    -------
    tf.Tensor
        uint8 [image_size, image_size, 3], RGB, 0-255.
    """
    side = parse_framing(settings.framing)[1] or None
    registered = register_channels(image) if settings.register_channels else image
    framed = tf.ensure_shape(cut_out(registered, window(image, settings.framing)), [side, side, 3])
    cell = STAIN_NORMALIZATION[settings.stain_normalization](resize(framed, settings.image_size))
    return CONTRAST[settings.contrast](cell)


def cell_from_bytes(image_bytes: tf.Tensor, settings: Preprocessing) -> tf.Tensor:
    """Decode and preprocess one sound image file; string [] -> uint8 [image_size, image_size, 3]."""
    return preprocess(decode(image_bytes), settings)


def cells_from_bytes(image_bytes: tf.Tensor, settings: Preprocessing) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Decode and preprocess image files; one that cannot be decoded leaves the others alone.

    Parameters
    ----------
    image_bytes : tf.Tensor
        string [n]: image files' bytes.
    settings : Preprocessing
        How to prepare them.

    Returns
    -------
    tuple of tf.Tensor
        uint8 [n, image_size, image_size, 3], black where a file cannot be decoded; float32 [n, 14], as from
        `image_statistics`; and bool [n]: whether each file could be decoded.
    """
    count = tf.shape(image_bytes, out_type=tf.int64)[0]
    shape = [settings.image_size, settings.image_size, 3]

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert, and looking takes a second
    def prepared(index: tf.Tensor, content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.control_dependencies([tf.debugging.Assert(is_sound(content), ["a kind of image that is not read"])]):
            image = decode(content)
            return index, preprocess(image, settings), image_statistics(image)

    files = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
    decoded = files.map(prepared, num_parallel_calls=tf.data.AUTOTUNE).ignore_errors()
    nothing = (count, tf.zeros(shape, tf.uint8), tf.zeros(len(IMAGE_STATISTICS)))  # so that there is always one
    batch = decoded.concatenate(tf.data.Dataset.from_tensors(nothing)).batch(count + 1).get_single_element()
    indices, cells, measured = (values[:-1] for values in batch)
    indices = indices[:, None]
    spread = tf.scatter_nd(indices, tf.cast(cells, tf.int32), tf.stack([count, *shape]))
    readable = tf.scatter_nd(indices, tf.ones_like(indices[:, 0]), count[None]) > 0
    statistics = tf.scatter_nd(indices, measured, tf.stack([count, len(IMAGE_STATISTICS)]))
    return tf.ensure_shape(tf.cast(spread, tf.uint8), [None, *shape]), statistics, readable


def cells_from_images(images: tf.Tensor, settings: Preprocessing) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Preprocess decoded images: uint8 [n, height, width, 3] -> as from `cells_from_bytes`, all of them readable."""
    shapes = (
        tf.TensorSpec([settings.image_size, settings.image_size, 3], tf.uint8),
        tf.TensorSpec([len(IMAGE_STATISTICS)], tf.float32),
    )
    cells, measured = tf.map_fn(
        lambda image: (preprocess(image, settings), image_statistics(image)), images, fn_output_signature=shapes
    )
    return cells, measured, tf.ones(tf.shape(images)[:1], tf.bool)
