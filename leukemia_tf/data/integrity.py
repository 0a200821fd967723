"""Reading an image file only if it is whole and every decoder gives the same pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.core.errors import BadImageError
from leukemia_tf.data.headers import header_problem

READ = (".bmp", ".dib", ".png", ".jpg", ".jpeg", ".jpe", ".jfif")
REFUSED = (".tif", ".tiff", ".webp", ".gif", ".jp2", ".heic", ".heif", ".avif", ".jxl", ".dcm", ".psd", ".svs", ".czi")
SUFFIXES = (*READ, *REFUSED)  # of images: those of kinds that are not read are refused by name, not passed over
MOST_BYTES = 72 * 1024 * 1024  # more than the largest picture allowed needs without compression
DAMAGED = "is damaged: its pixels cannot be decoded; get the file again"


def read_bytes(path: Path, name: str | Path) -> bytes:
    """Return a file's bytes, unless there are too many for an image of a cell.

    Raises
    ------
    BadImageError
        If the file cannot be read or is too large.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise BadImageError(name, f"has {size:,} bytes, more than the {MOST_BYTES:,} allowed: crop it to the cell")
        return path.read_bytes()
    except OSError as error:
        raise BadImageError(name, f"cannot be read ({error.strerror})") from None


def read_image(path: Path, name: str | Path | None = None) -> tuple[bytes, np.ndarray]:
    """Read and decode one image.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : str or pathlib.Path, optional
        The file's name in an error; `path` by default.

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
    content = read_bytes(path, name)
    return content, decode_checked(content, name)


def decode_checked(content: bytes, name: str | Path) -> np.ndarray:
    """Decode an image file's bytes after checking its header; see `read_image`."""
    problem = header_problem(content)
    if problem:
        raise BadImageError(name, problem.reason, problem.convertible)
    pixels = decode_any(content)
    if pixels is None:
        raise BadImageError(name, DAMAGED)
    return pixels


def decode_any(content: bytes) -> np.ndarray | None:
    """Decode whatever OpenCV can, without checking the header: uint8 [height, width, 3], RGB; None where it cannot."""
    try:
        flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION  # as TensorFlow reads
        return cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        return None


def decode_upright(content: bytes) -> np.ndarray | None:
    """Decode whatever OpenCV can, turned as a viewer shows it; see `decode_any`."""
    try:
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        return None


def pixel_hash(pixels: np.ndarray) -> str:
    """Return the SHA-256 of decoded pixels and their shape, independent of the file format."""
    return hashlib.sha256(str(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
