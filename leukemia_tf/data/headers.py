"""What is wrong with an image file by its header and its length, before anything is decoded.

Sources: the BMP format, PNG (ISO/IEC 15948), JPEG (ITU T.81).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MOST_PIXELS = 4096 * 4096
CONVERT = "convert it to a 24-bit PNG, with `python -m leukemia_tf.audit --convert-to FOLDER`"
BITFIELDS = 3
GREY_PALETTE = b"".join(bytes((level, level, level, 0)) for level in range(256))
USUAL_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)  # of red, green and blue
FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
LONE_MARKERS = {0x01, *range(0xD0, 0xD9)}


@dataclass(frozen=True)
class Problem:
    """Why a file cannot be used as it is.

    Parameters
    ----------
    reason : str
        The end of a sentence: what is wrong, and what to do.
    convertible : bool
        Whether OpenCV decodes it correctly, so that it can be converted.
    """

    reason: str
    convertible: bool = False


def header_problem(content: bytes) -> Problem | None:
    """Return what is wrong with an image file by its header and length, or None."""
    if not content:
        return Problem("is empty")
    if content.startswith(b"BM"):
        return _bmp_problem(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png_problem(content)
    if content.startswith(b"\xff\xd8"):
        return _jpeg_problem(content)
    if content[:4] in (b"II*\0", b"MM\0*"):
        return _unsupported("a TIFF")
    return Problem("is not an image that can be read: it takes BMP, PNG or JPEG")


def _bmp_problem(content: bytes) -> Problem | None:
    if len(content) < 54:
        return Problem("is truncated: the BMP ends inside its header")
    offset, header = struct.unpack_from("<II", content, 10)
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", content, 18)
    if header < 40:
        return _unsupported(f"a BMP with a header of {header} bytes")
    height = abs(height)
    problem = _size_problem(width, height)
    if problem:
        return problem
    if not _usual_colours(content, header, bits, compression):
        return _unsupported(f"a BMP of {bits} bits a pixel (compression {compression})")
    needed = offset + (width * bits + 31) // 32 * 4 * height
    if offset < 14 + header:
        return Problem("is damaged: its header says that the pixels begin inside it; get the file again")
    if len(content) < needed:
        return Problem(f"is truncated: {len(content):,} bytes of {needed:,}; get the file again")
    return None


def _usual_colours(content: bytes, header: int, bits: int, compression: int) -> bool:
    if compression == BITFIELDS:
        return bits == 32 and content[54:66] == USUAL_MASKS
    if bits == 8:  # the only palette that TensorFlow reads right
        return compression == 0 and header == 40 and content[54 : 54 + len(GREY_PALETTE)] == GREY_PALETTE
    return compression == 0 and bits in (24, 32)


def _png_problem(content: bytes) -> Problem | None:
    if len(content) < 33:
        return Problem("is truncated: the PNG ends inside its header")
    width, height, bits = struct.unpack_from(">IIB", content, 16)
    return (
        _size_problem(width, height)
        or _chunk_problem(content)
        or (_unsupported(f"a PNG of {bits} bits a channel") if bits != 8 else None)
    )


def _chunk_problem(content: bytes) -> Problem | None:
    """Walk a PNG's chunks: each whole, its checksum right, the end there."""
    place = 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + 12 + length
        if end > len(content):
            break
        if struct.unpack_from(">I", content, end - 4)[0] != zlib.crc32(memoryview(content)[place + 4 : end - 4]):
            return Problem("is damaged: a checksum of the PNG is wrong; get the file again")
        if content[place + 4 : place + 8] == b"IEND":
            return None
        place = end
    return Problem(f"is truncated: the PNG has no end after {len(content):,} bytes; get the file again")


def _jpeg_problem(content: bytes) -> Problem | None:
    frame = _jpeg_frame(content)
    if frame is None:
        return Problem("is truncated: the JPEG ends inside its header")
    bits, height, width, components = frame
    problem = _size_problem(width, height)
    if problem:
        return problem
    if bits != 8 or components not in (1, 3):
        kind = f"a JPEG of {components} channels of {bits} bits"
        return Problem(f"is {kind}, which decoders disagree on: save it as a 24-bit PNG with an image program")
    if not content.rstrip(b"\0").endswith(b"\xff\xd9"):
        return Problem("is truncated: the JPEG has no end; get the file again")
    return None


def _jpeg_frame(content: bytes) -> tuple[int, int, int, int] | None:
    """Return bits a channel, height, width and channels by a JPEG's frame header, or None if there is none."""
    place = 2
    while place + 9 < len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in FRAME_MARKERS:
            return struct.unpack_from(">BHHB", content, place + 4)
        if marker == 0xFF:
            place += 1
        elif marker in LONE_MARKERS:
            place += 2
        else:
            place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    return None


def _size_problem(width: int, height: int) -> Problem | None:
    if width <= 0 or height <= 0:
        return Problem(f"is damaged: its header says {width} x {height} pixels")
    if width * height > MOST_PIXELS:
        return Problem(f"has {width:,} x {height:,} pixels, more than the {MOST_PIXELS:,} allowed: crop it to the cell")
    return None


def _unsupported(kind: str) -> Problem:
    return Problem(f"is {kind}, which is not supported: {CONVERT}", convertible=True)
