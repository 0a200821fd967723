"""What is wrong with an image file by its header and its length, before anything is decoded.

Sources: the BMP format, PNG (ISO/IEC 15948).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from leukemia_tf.data.jpeg_headers import READ_FRAMES, has_end, jpeg_frame
from leukemia_tf.data.orientation import is_turned
from leukemia_tf.data.other_kinds import TIFF_STARTS, find_kind, tiff_pages

MOST_PIXELS = 4096 * 4096
CONVERT = "convert it to a 24-bit PNG, with `python -m leukemia_tf.audit DATA --convert-to FOLDER`"
BITFIELDS = 3
GREY_PALETTE = b"".join(bytes((level, level, level, 0)) for level in range(256))
USUAL_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)  # of red, green and blue


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
    return _other_kind(content)


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
        or _turned_problem(content)
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
    frame = jpeg_frame(content)
    if frame is None:
        return Problem("is truncated: the JPEG ends inside its header")
    problem = _size_problem(frame.width, frame.height)
    if problem:
        return problem
    if frame.bits != 8 or frame.components not in (1, 3) or frame.marker not in READ_FRAMES:
        plain = frame.bits != 8 or frame.components not in (1, 3)
        kind = f"{frame.components} channels of {frame.bits} bits" if plain else "a lossless or arithmetic coding"
        return Problem(
            f"is a JPEG of {kind}, which decoders disagree on: save it as a 24-bit PNG with an image program"
        )
    if not content.rstrip(b"\0").endswith(b"\xff\xd9") and not has_end(content):
        return Problem("is truncated: the JPEG has no end; get the file again")
    return _turned_problem(content)


def _turned_problem(content: bytes) -> Problem | None:
    """Refuse a picture that viewers turn and decoders do not."""
    if not is_turned(content):
        return None
    return Problem(f"is stored turned (Exif orientation), so that viewers show it otherwise: {CONVERT}", True)


def _other_kind(content: bytes) -> Problem:
    """Return why a file that is no BMP, PNG or JPEG is refused."""
    kind = find_kind(content)
    if kind is None:
        return Problem("is not an image that can be read: it takes BMP, PNG or JPEG")
    if not kind.convertible:
        return Problem(f"is {kind.name}, which is not supported: save it as PNG or JPEG with an image program")
    name = kind.name
    if content[:4] in TIFF_STARTS:
        pages = tiff_pages(content)
        problem = _size_problem(pages.width, pages.height) if pages.width and pages.height else None
        if problem:
            return problem
        name += f" of {pages.count} pages" if pages.count > 1 else ""
    return _unsupported(name)


def _size_problem(width: int, height: int) -> Problem | None:
    if width <= 0 or height <= 0:
        return Problem(f"is damaged: its header says {width} x {height} pixels")
    if width * height > MOST_PIXELS:
        return Problem(f"has {width:,} x {height:,} pixels, more than the {MOST_PIXELS:,} allowed: crop it to the cell")
    return None


def _unsupported(kind: str) -> Problem:
    return Problem(f"is {kind}, which is not supported: {CONVERT}", convertible=True)
