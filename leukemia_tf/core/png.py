"""PNG files: encoding and writing them, and text in them that programs show as a picture's properties."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from leukemia_tf.core.files import write_atomically

HEAD = 33  # bytes of the signature and of the first chunk: text may follow them


def encode_png(pixels: np.ndarray) -> bytes:
    """Return a picture as a PNG file's bytes: uint8 [h, w, 3], RGB, or [h, w]."""
    return cv2.imencode(".png", pixels if pixels.ndim == 2 else pixels[..., ::-1])[1].tobytes()


def write_png(path: Path, pixels: np.ndarray) -> Path:
    """Write a picture as PNG: uint8 [h, w, 3], RGB, or [h, w]."""
    content = encode_png(pixels)
    return write_atomically(path, lambda scratch: scratch.write_bytes(content))


def text_chunks(texts: Mapping[str, str]) -> bytes:
    r"""Return text by keyword as PNG chunks; what Latin-1 does not have becomes a question mark.

    Examples
    --------
    >>> text_chunks({"Method": "Grad-CAM"})
    b'\x00\x00\x00\x0ftEXtMethod\x00Grad-CAM\xf5\x0f\x1a\x07'
    """
    chunks = []
    for keyword, text in texts.items():
        body = b"tEXt" + keyword.encode("latin-1") + b"\0" + text.encode("latin-1", "replace").replace(b"\0", b"")
        chunks.append(struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)))
    return b"".join(chunks)


def with_texts(png: bytes, texts: Mapping[str, str]) -> bytes:
    """Return a PNG file's bytes with text in it."""
    return png[:HEAD] + text_chunks(texts) + png[HEAD:]
