"""Can this file be read, whole and the same by every decoder? Read from its header before it is decoded."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.errors import BadImageError

SUFFIXES = (".bmp", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
MOST_PIXELS = 4096 * 4096
CONVERT = "convert it to a 24-bit PNG or BMP"


def read_image(path: Path, name: object = None) -> tuple[bytes, np.ndarray]:
    """Read and decode one image.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : object, optional
        What to call the file in an error; `path` by default.

    Returns
    -------
    tuple of (bytes, numpy.ndarray)
        The file's bytes, and its pixels: uint8 [height, width, 3], RGB, 0-255.

    Raises
    ------
    BadImageError
        If the file is missing, truncated, too large, or of a kind that decoders disagree on.
    """
    name = path if name is None else name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadImageError(name, f"cannot be read ({error.strerror})") from None
    return content, decode_checked(content, name)


def decode_checked(content: bytes, name: object) -> np.ndarray:
    """Decode an image file's bytes after checking its header; see `read_image`."""
    problem = header_problem(content)
    if problem:
        raise BadImageError(name, problem)
    try:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION  # as TensorFlow reads
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise BadImageError(name, "is damaged: its pixels cannot be decoded; get the file again")
    return pixels


def pixel_hash(pixels: np.ndarray) -> str:
    """Return the SHA-256 of decoded pixels and their shape, the same whatever the file format."""
    return hashlib.sha256(str(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def header_problem(content: bytes) -> str | None:
    """Return what is wrong with an image file by its header and length, or None.

    Source: the BMP, PNG (ISO/IEC 15948) and JPEG (ITU T.81) formats.
    """
    if not content:
        return "is empty"
    if content.startswith(b"BM"):
        return _bmp_problem(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_problem(content)
    if content.startswith(b"\xff\xd8"):
        return None if content.rstrip(b"\0").endswith(b"\xff\xd9") else "is truncated: the JPEG has no end"
    if content[:4] in (b"II*\0", b"MM\0*"):
        return f"is a TIFF, which is not supported: {CONVERT}"
    return f"is not an image that can be read (BMP, PNG or JPEG): {CONVERT}"


def _bmp_problem(content: bytes) -> str | None:
    if len(content) < 54:
        return "is truncated: the BMP ends inside its header"
    (offset,) = struct.unpack_from("<I", content, 10)
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", content, 18)
    if width <= 0 or height == 0:
        return f"is damaged: its header says {width} x {height} pixels"
    if width * abs(height) > MOST_PIXELS:
        return _too_large(width, abs(height))
    if bits not in (24, 32) or compression not in (0, 3):
        return f"is a BMP of {bits} bits a pixel (compression {compression}), which is not supported: {CONVERT}"
    needed = offset + (width * bits + 31) // 32 * 4 * abs(height)
    if len(content) < needed:
        return f"is truncated: {len(content):,} bytes of {needed:,}; get the file again"
    return None


def _png_problem(content: bytes) -> str | None:
    if len(content) < 33:
        return "is truncated: the PNG ends inside its header"
    width, height, bits = struct.unpack_from(">IIB", content, 16)
    if width * height > MOST_PIXELS:
        return _too_large(width, height)
    if bits != 8:
        return f"is a PNG of {bits} bits a channel, which is not supported: {CONVERT}"
    if b"IEND" not in content[-64:]:
        return f"is truncated: the PNG has no end after {len(content):,} bytes; get the file again"
    return None


def _too_large(width: int, height: int) -> str:
    return f"has {width:,} x {height:,} pixels, more than the {MOST_PIXELS:,} allowed: crop it to the cell"
