"""Good files are read alike by both decoders; bad ones are refused by name and reason, in Python and in the graph."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from leukemia_tf.core.errors import BadImageError
from leukemia_tf.data.decoding import decode
from leukemia_tf.data.integrity import MOST_BYTES, decode_any, decode_checked, decode_upright, read_image
from leukemia_tf.data.preprocessing import Preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)  # an odd width: BMP rows are padded
LARGE = np.kron(PIXELS, np.ones((8, 8, 1), np.uint8))


def encode(kind, pixels=PIXELS, *options):
    return cv2.imencode(kind, pixels[..., ::-1], options)[1].tobytes()


def save(kind, mode, pixels=PIXELS, **options):
    """Encode by another library, in a mode of its own."""
    image = Image.fromarray(pixels)
    if mode == "RGBA":
        image.putalpha(Image.fromarray(pixels[..., 0]))
    stream = io.BytesIO()
    (image if mode == "RGBA" else image.convert(mode)).save(stream, kind, **options)
    return stream.getvalue()


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


def bmp_with_bitfields():
    plain = save("BMP", "RGBA")
    head = bytearray(plain[:54])
    struct.pack_into("<II", head, 10, 66, 40)
    struct.pack_into("<I", head, 30, 3)
    offset = struct.unpack_from("<I", plain, 10)[0]
    return bytes(head) + struct.pack("<III", 0xFF0000, 0xFF00, 0xFF) + plain[offset:]


GREY = PIXELS[..., :1].repeat(3, axis=-1)


@pytest.mark.parametrize(
    ("content", "pixels"),
    [
        pytest.param(encode(".bmp"), PIXELS, id="bmp of odd width"),
        pytest.param(bmp_with_long_header(), PIXELS, id="bmp with 138 bytes of header"),
        pytest.param(bmp_top_down(), PIXELS, id="bmp top-down"),
        pytest.param(save("BMP", "RGBA"), PIXELS, id="bmp of 32 bits"),
        pytest.param(save("BMP", "L", GREY), GREY, id="grey bmp"),
        pytest.param(bmp_with_bitfields(), PIXELS, id="bmp with the usual masks"),
        pytest.param(encode(".png"), PIXELS, id="png"),
        pytest.param(save("PNG", "RGB", transparency=(1, 2, 3)), PIXELS, id="png with a transparent colour"),
        pytest.param(save("PNG", "RGBA"), PIXELS, id="png with alpha"),
        pytest.param(save("PNG", "L", GREY), GREY, id="grey png"),
        pytest.param(save("PNG", "LA", GREY), GREY, id="grey png with alpha"),
        pytest.param(save("PNG", "P", np.uint8(PIXELS > 127) * 255), np.uint8(PIXELS > 127) * 255, id="palette png"),
    ],
)
def test_good(tmp_path, content, pixels):
    path = tmp_path / "cell"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_image(path)[1], pixels)
    np.testing.assert_array_equal(decode(tf.constant(content)), pixels)


@pytest.mark.parametrize("quality", [60, 95, 100])
@pytest.mark.parametrize("sampling", [0x411111, 0x221111], ids=["4:4:4", "4:2:0"])
@pytest.mark.parametrize("progressive", [0, 1])
def test_jpeg_is_read_alike(tmp_path, quality, sampling, progressive):
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling)
    content = encode(".jpg", LARGE, *options, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    path = tmp_path / "cell.jpg"
    path.write_bytes(content)
    assert np.abs(read_image(path)[1].astype(int) - decode(tf.constant(content)).numpy()).max() <= 2


def test_grey_jpeg_is_read_alike(tmp_path):
    content = save("JPEG", "L", LARGE)
    path = tmp_path / "cell.jpg"
    path.write_bytes(content)
    assert np.abs(read_image(path)[1].astype(int) - decode(tf.constant(content)).numpy()).max() <= 2


def with_orientation(kind, orientation, little=False):
    """A JPEG or PNG that viewers turn, as Pillow writes it, or with the bytes of its note in the other order."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Maker", "Model", orientation
    if not little:
        return save(kind, "RGB", LARGE, exif=exif)
    turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([orientation]) + bytes(7)
    return save(kind, "RGB", LARGE, exif=b"Exif\0\0" + turned)


def test_a_picture_that_viewers_turn_is_refused_by_both():
    kinds = [("JPEG", True), ("JPEG", False), ("PNG", True), ("PNG", False)]
    upright = [with_orientation(kind, 1, little) for kind, little in kinds]
    turned = [with_orientation(kind, orientation, little) for kind, little in kinds for orientation in (3, 6, 8)]
    for content in upright:
        assert decode_checked(content, "cell").shape == LARGE.shape
    for content in turned:
        with pytest.raises(
            BadImageError, match=r"stored turned .*leukemia_tf\.audit DATA --convert-to FOLDER"
        ) as caught:
            decode_checked(content, "cell")
        assert caught.value.convertible
    readable = cells_from_bytes(tf.constant([*upright, *turned]), Preprocessing(8))[2]
    assert readable.numpy().tolist() == [True] * len(upright) + [False] * len(turned)
    assert decode_upright(turned[1]).shape == (56, 40, 3)


def appended(content):
    """The file with what programs write behind a picture."""
    return [content + tail for tail in (b"\0\0", b"\0", bytes(100), b"trailer of a microscope", content)]


@pytest.mark.parametrize("content", [encode(".bmp"), encode(".png"), save("JPEG", "RGB", LARGE)], ids=str)
def test_bytes_behind_the_picture_change_nothing(content):
    pixels = decode_checked(content, "cell")
    for longer in appended(content):
        np.testing.assert_array_equal(decode_checked(longer, "cell"), pixels)
        np.testing.assert_array_equal(decode(tf.constant(longer)), decode(tf.constant(content)))
    assert cells_from_bytes(tf.constant(appended(content)), Preprocessing(8))[2].numpy().all()


def test_a_thumbnail_has_an_end_of_its_own():
    """The whole picture is cut behind a thumbnail that ends well."""
    small, large = encode(".jpg"), encode(".jpg", LARGE)
    inside = b"\xff\xe1" + struct.pack(">H", len(small) + 2) + small
    assert decode_checked(large[:2] + inside + large[2:], "cell").shape == LARGE.shape
    with pytest.raises(BadImageError, match="the JPEG has no end"):
        decode_checked(large[:2] + inside + large[2:-200], "cell")


def with_header(content, place, form, *values):
    changed = bytearray(content)
    struct.pack_into(form, changed, place, *values)
    return bytes(changed)


def png(width, height, bits=8):
    """A valid PNG of zeros, by the format's definition."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    rows = zlib.compressobj()
    body = b"".join(rows.compress(bytes(1 + width * bits // 8)) for _ in range(height)) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def other_pixels_same_checksum():
    content = bytearray(encode(".png"))
    start = content.index(b"IDAT") + 4
    content[start : start + 12] = bytes(12)
    return bytes(content)


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"not an image", "is not an image"),
    "bmp less one byte": (encode(".bmp")[:-1], "is truncated"),
    "bmp less half": (encode(".bmp")[:100], "is truncated"),
    "bmp header only": (encode(".bmp")[:54], "is truncated"),
    "bmp half a header": (encode(".bmp")[:40], "is truncated"),
    "png less one byte": (encode(".png")[:-1], "is truncated"),
    "png less its end": (encode(".png")[:-12], "is truncated"),
    "png header only": (encode(".png")[:20], "is truncated"),
    "png with other bytes": (other_pixels_same_checksum(), "is damaged: a checksum"),
    "jpeg less its end": (encode(".jpg")[:-9], "is truncated"),
    "png less half": (encode(".png")[: len(encode(".png")) // 2], "is truncated"),
    "jpeg less half": (encode(".jpg", LARGE)[: len(encode(".jpg", LARGE)) // 2], "is truncated"),
    "jpeg header only": (encode(".jpg")[:20], "is truncated"),
    "palette bmp": (save("BMP", "P"), "8 bits a pixel .* not supported: convert it"),
    "1-bit bmp": (save("BMP", "1"), "1 bits a pixel .* not supported: convert it"),
    "tiff": (encode(".tiff"), "TIFF, which is not supported: convert it"),
    "tiff, lzw": (save("TIFF", "RGB", compression="tiff_lzw"), "TIFF, which is not supported: convert it"),
    "tiff of two pages": (
        save("TIFF", "RGB", save_all=True, append_images=[Image.fromarray(GREY)]),
        "TIFF of 2 pages, which .* convert it",
    ),
    "webp": (save("WEBP", "RGB", lossless=True), "a WebP, which is not supported: convert it"),
    "gif": (save("GIF", "RGB"), "a GIF, which is not supported: convert it"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(40), "a HEIC or AVIF, which is not supported: save it as PNG"),
    "bmp with pixels inside its header": (with_header(encode(".bmp"), 10, "<I", 40), "pixels begin inside it"),
    "1-bit png": (save("PNG", "1"), "1 bits a channel.* convert it"),
    "16-bit png": (cv2.imencode(".png", PIXELS.astype(np.uint16))[1].tobytes(), "16 bits a channel.* convert it"),
    "cmyk jpeg": (save("JPEG", "CMYK", LARGE), "JPEG of 4 channels"),
    "bmp with odd masks": (
        with_header(save("BMP", "RGBA"), 30, "<I", 3)[:54] + struct.pack("<III", 255, 0xFF00, 0xFF0000) + bytes(200),
        r"32 bits a pixel \(compression 3\)",
    ),
    "bmp header of 60,000 x 60,000": (with_header(encode(".bmp"), 18, "<ii", 60000, 60000), "60,000 x 60,000 pixels"),
    "bmp header of 0 x 5": (with_header(encode(".bmp"), 18, "<i", 0), "its header says 0 x 5"),
    "png of 12,000 x 12,000": (png(12000, 12000), "12,000 x 12,000 pixels"),
    "png of 4,097 x 4,096": (png(4097, 4096), "4,097 x 4,096 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad(tmp_path, name):
    content, reason = BAD[name]
    path = tmp_path / "cell.bmp"
    path.write_bytes(content)
    with pytest.raises(BadImageError, match=rf"cell\.bmp: .*{reason}") as caught:
        read_image(path)
    if caught.value.convertible:  # then OpenCV must have it right
        assert "convert it" in caught.value.reason
        assert decode_any(content).shape == (5, 7, 3)


@pytest.mark.parametrize("name", BAD)
def test_the_graph_refuses_too(name):
    readable = cells_from_bytes(tf.constant([BAD[name][0], encode(".png")]), Preprocessing(8))[2]
    assert readable.numpy().tolist() == [False, True]


def test_missing(tmp_path):
    with pytest.raises(BadImageError, match=r"gone\.bmp: cannot be read"):
        read_image(tmp_path / "gone.bmp")


def test_large_file_is_refused_unread(tmp_path):
    path = tmp_path / "cell.bmp"
    with path.open("wb") as stream:
        stream.truncate(MOST_BYTES + 1)  # sparse: it takes no space
    with pytest.raises(BadImageError, match=r"has 75,497,473 bytes"):
        read_image(path)
