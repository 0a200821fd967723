"""Decoding image files inside a TensorFlow graph, with the pixels that OpenCV gives."""

from __future__ import annotations

import tensorflow as tf

from leukemia_tf.data.headers import GREY_PALETTE, MOST_PIXELS, USUAL_MASKS
from leukemia_tf.data.orientation import SEARCHED, TURNED

JPEG = b"\xff\xd8"


def decode(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode a BMP, PNG or JPEG that is `is_sound`, in few operations: this is most of a first epoch's cost.

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
        If it is damaged, or no image.
    """
    image = tf.cond(
        tf.equal(_start(image_bytes), b"BM"),
        lambda: _decode_bmp(image_bytes),
        lambda: tf.io.decode_jpeg(image_bytes, channels=3, dct_method="INTEGER_ACCURATE"),  # as OpenCV; PNG as well
    )
    return tf.ensure_shape(image, [None, None, 3])


def is_sound(image_bytes: tf.Tensor) -> tf.Tensor:
    """Return whether a file's header is that of a BMP, PNG or JPEG that `decode` decodes correctly.

    Parameters
    ----------
    image_bytes : tf.Tensor
        string []: a file's bytes.

    Returns
    -------
    tf.Tensor
        bool []. False for other formats, for huge images, and for kinds that TensorFlow reads in another way
        than OpenCV: palettes, 16 bits, four-channel JPEG; and for pictures that viewers turn.

    Raises
    ------
    tf.errors.InvalidArgumentError
        If there is no whole header.
    """
    start = _start(image_bytes)
    return tf.case(
        [
            (tf.equal(start, JPEG), lambda: _sound_jpeg(image_bytes)),
            (tf.equal(start, b"BM"), lambda: _sound_bmp(image_bytes)),
        ],
        default=lambda: _sound_png(image_bytes),
    )


def _start(image_bytes: tf.Tensor) -> tf.Tensor:
    return tf.strings.substr(image_bytes, 0, 2)


def _decode_bmp(image_bytes: tf.Tensor) -> tf.Tensor:
    whole = tf.strings.substr(image_bytes, 0, tf.cast(_bmp_length(image_bytes), tf.int32))  # no bytes behind the pixels
    image = tf.io.decode_bmp(whole)[..., :3]
    return tf.tile(image, tf.stack([1, 1, 3 // tf.shape(image)[2]]))  # grey as three equal channels


def _bmp_length(image_bytes: tf.Tensor) -> tf.Tensor:
    """Return where a BMP's pixels end, by its header: int64 []."""
    offset = tf.cast(tf.io.decode_raw(tf.strings.substr(image_bytes, 10, 4), tf.int32)[0], tf.int64)
    side = tf.cast(tf.abs(tf.io.decode_raw(tf.strings.substr(image_bytes, 18, 8), tf.int32)), tf.int64)
    bits = tf.cast(tf.io.decode_raw(tf.strings.substr(image_bytes, 28, 2), tf.uint16)[0], tf.int64)
    return offset + (side[0] * bits + 31) // 32 * 4 * side[1]


def _is_upright(image_bytes: tf.Tensor) -> tf.Tensor:
    return ~tf.strings.regex_full_match(tf.strings.substr(image_bytes, 0, SEARCHED), TURNED)


def _sound_jpeg(image_bytes: tf.Tensor) -> tf.Tensor:
    shape = tf.io.extract_jpeg_shape(image_bytes)
    return (shape[0] * shape[1] <= MOST_PIXELS) & (shape[2] != 4) & _is_upright(image_bytes)


def _sound_bmp(image_bytes: tf.Tensor) -> tf.Tensor:
    side = tf.io.decode_raw(tf.strings.substr(image_bytes, 18, 8), tf.int32)
    bits = tf.io.decode_raw(tf.strings.substr(image_bytes, 28, 2), tf.uint16)[0]
    grey = tf.equal(bits, 8) & tf.equal(tf.strings.substr(image_bytes, 54, len(GREY_PALETTE)), GREY_PALETTE)
    plain = tf.equal(tf.strings.substr(image_bytes, 30, 4), bytes(4))
    usual = tf.equal(bits, 32) & tf.equal(tf.strings.substr(image_bytes, 54, 12), USUAL_MASKS)
    offset, header = tf.unstack(tf.io.decode_raw(tf.strings.substr(image_bytes, 10, 8), tf.int32), num=2)
    whole = tf.cast(tf.strings.length(image_bytes), tf.int64) >= _bmp_length(image_bytes)
    usual_header = (header >= 40) & (offset >= 14 + header) & whole
    return (grey | (bits == 24) | (bits == 32)) & (plain | usual) & usual_header & _small(side)


def _sound_png(image_bytes: tf.Tensor) -> tf.Tensor:
    side = tf.io.decode_raw(tf.strings.substr(image_bytes, 16, 8), tf.int32, little_endian=False)
    png = tf.equal(tf.strings.substr(image_bytes, 0, 8), b"\x89PNG\r\n\x1a\n")
    return png & tf.equal(tf.strings.substr(image_bytes, 24, 1), b"\x08") & _small(side) & _is_upright(image_bytes)


def _small(side: tf.Tensor) -> tf.Tensor:
    return tf.reduce_prod(tf.cast(tf.abs(side), tf.int64)) <= MOST_PIXELS
