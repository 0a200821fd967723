"""Decoding image files inside a TensorFlow graph, with the pixels that OpenCV gives."""

from __future__ import annotations

import tensorflow as tf

from leukemia_tf.data.headers import GREY_PALETTE, MOST_PIXELS, USUAL_MASKS


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

    Raises
    ------
    tf.errors.InvalidArgumentError
        If it is none of these, is damaged or huge, or of a kind that TensorFlow would decode wrong without a word.
    """
    start = tf.strings.substr(image_bytes, 0, 2)
    image = tf.case(
        [
            (tf.equal(start, b"\xff\xd8"), lambda: _decode_jpeg(image_bytes)),
            (tf.equal(start, b"BM"), lambda: _decode_bmp(image_bytes)),
        ],
        default=lambda: _decode_png(image_bytes),
    )
    return tf.ensure_shape(image, [None, None, 3])


def _decode_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    shape = tf.io.extract_jpeg_shape(image_bytes)
    sound = (shape[0] * shape[1] <= MOST_PIXELS) & (shape[2] != 4)
    with tf.control_dependencies([tf.debugging.Assert(sound, ["a huge JPEG, or one of four channels"])]):
        return tf.io.decode_jpeg(image_bytes, channels=3, dct_method="INTEGER_ACCURATE")  # as OpenCV decodes


def _decode_bmp(image_bytes: tf.Tensor) -> tf.Tensor:
    side = tf.io.decode_raw(tf.strings.substr(image_bytes, 18, 8), tf.int32)
    bits = tf.io.decode_raw(tf.strings.substr(image_bytes, 28, 2), tf.uint16)[0]
    grey = tf.equal(bits, 8) & tf.equal(tf.strings.substr(image_bytes, 54, len(GREY_PALETTE)), GREY_PALETTE)
    plain = tf.equal(tf.strings.substr(image_bytes, 30, 4), bytes(4))
    usual = tf.equal(bits, 32) & tf.equal(tf.strings.substr(image_bytes, 54, 12), USUAL_MASKS)
    sound = (grey | (bits == 24) | (bits == 32)) & (plain | usual) & _small(side)
    with tf.control_dependencies([tf.debugging.Assert(sound, ["a huge BMP, or one of an unusual kind"])]):
        image = tf.io.decode_bmp(image_bytes)[..., :3]
    return tf.cond(grey, lambda: tf.image.grayscale_to_rgb(image[..., :1]), lambda: image)


def _decode_png(image_bytes: tf.Tensor) -> tf.Tensor:
    side = tf.io.decode_raw(tf.strings.substr(image_bytes, 16, 8), tf.int32, little_endian=False)
    bits = tf.strings.substr(image_bytes, 24, 1)
    sound = tf.equal(bits, b"\x08") & _small(side)
    with tf.control_dependencies([tf.debugging.Assert(sound, ["no image, a huge PNG, or one of other than 8 bits"])]):
        return tf.io.decode_png(image_bytes, channels=3)


def _small(side: tf.Tensor) -> tf.Tensor:
    return tf.reduce_prod(tf.cast(tf.abs(side), tf.int64)) <= MOST_PIXELS
