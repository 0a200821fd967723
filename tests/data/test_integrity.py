"""Good files are read alike by both decoders, bad ones are refused by name and reason."""

import struct

import cv2
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.preprocess import decode
from leukemia_tf.errors import BadImageError

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)  # an odd width: BMP rows are padded


def encode(kind, pixels=PIXELS):
    return cv2.imencode(kind, pixels[..., ::-1])[1].tobytes()


def bmp_with_long_header():
    """138 bytes of header, as some of C-NMC's files have."""
    short = encode(".bmp")
    head = bytearray(short[:54])
    struct.pack_into("<II", head, 10, 138, 124)
    struct.pack_into("<I", head, 2, len(short) + 84)
    return bytes(head) + bytes(84) + short[54:]


def bmp_top_down():
    content = bytearray(encode(".bmp", PIXELS[::-1]))
    struct.pack_into("<i", content, 22, -5)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [encode(".bmp"), encode(".png"), bmp_with_long_header(), bmp_top_down()],
    ids=["bmp", "png", "bmp 138", "bmp top-down"],
)
def test_good(tmp_path, content):
    path = tmp_path / "cell"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_image(path)[1], PIXELS)
    np.testing.assert_array_equal(decode(tf.constant(content)), PIXELS)


def test_jpeg_orientation_is_ignored_by_both(tmp_path):
    content = encode(".jpg", np.kron(PIXELS, np.ones((8, 8, 1), np.uint8)))
    turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    exif = b"\xff\xe1" + struct.pack(">H", len(turned) + 8) + b"Exif\0\0" + turned
    path = tmp_path / "cell.jpg"
    path.write_bytes(content[:2] + exif + content[2:])
    pixels = read_image(path)[1]
    assert pixels.shape == decode(tf.constant(path.read_bytes())).shape == (40, 56, 3)


def huge_header():
    content = bytearray(encode(".bmp"))
    struct.pack_into("<ii", content, 18, 60000, 60000)
    return bytes(content)


def damaged_png():
    content = bytearray(encode(".png"))
    start = content.index(b"IDAT") + 4
    content[start : start + 12] = bytes(12)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"not an image", "is not an image"),
        (encode(".bmp")[:-1], "is truncated"),
        (encode(".bmp")[:40], "is truncated"),
        (encode(".png")[:-20], "is truncated"),
        (encode(".png")[:20], "is truncated"),
        (encode(".jpg")[:-9], "is truncated"),
        (damaged_png(), "is damaged"),
        (encode(".tiff"), "TIFF, which is not supported: convert it"),
        (cv2.imencode(".bmp", PIXELS[..., 0])[1].tobytes(), "8 bits a pixel .* not supported: convert it"),
        (cv2.imencode(".png", PIXELS.astype(np.uint16))[1].tobytes(), "16 bits a channel"),
        (huge_header(), "60,000 x 60,000 pixels"),
    ],
)
def test_bad(tmp_path, content, reason):
    path = tmp_path / "cell.bmp"
    path.write_bytes(content)
    with pytest.raises(BadImageError, match=rf"cell\.bmp: .*{reason}"):
        read_image(path)


def test_missing(tmp_path):
    with pytest.raises(BadImageError, match=r"gone\.bmp: cannot be read"):
        read_image(tmp_path / "gone.bmp")
