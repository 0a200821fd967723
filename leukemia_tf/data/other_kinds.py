"""Kinds of image files that are refused: their names, their pages, and whether OpenCV can convert them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

TIFF_STARTS = {b"II*\0": "<", b"MM\0*": ">"}
MOST_PAGES = 1000
WIDTH, HEIGHT = 256, 257  # tags of a TIFF's directory


@dataclass(frozen=True)
class Kind:
    """A kind of file by bytes that it has at a place.

    Parameters
    ----------
    name : str
        With its article, as in a sentence.
    place : int
        Of the bytes.
    begins : tuple of bytes
        One of them is there.
    convertible : bool
        Whether OpenCV decodes it.
    """

    name: str
    place: int
    begins: tuple[bytes, ...]
    convertible: bool


KINDS = (
    Kind("a TIFF", 0, tuple(TIFF_STARTS), True),
    Kind("a WebP", 8, (b"WEBP",), True),
    Kind("a GIF", 0, (b"GIF87a", b"GIF89a"), True),
    Kind("a JPEG 2000", 0, (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51"), True),
    Kind("a HEIC or AVIF", 4, (b"ftyphe", b"ftypmif1", b"ftypmsf1", b"ftypav"), False),
    Kind("a JPEG XL", 0, (b"\xff\x0a", b"\0\0\0\x0cJXL "), False),
    Kind("a TIFF for large files", 0, (b"II+\0", b"MM\0+"), False),
    Kind("a DICOM", 128, (b"DICM",), False),
    Kind("a Photoshop file", 0, (b"8BPS",), False),
)


def find_kind(content: bytes) -> Kind | None:
    """Return the kind of a file among those that are refused, or None."""
    return next((kind for kind in KINDS if content[kind.place : kind.place + 16].startswith(kind.begins)), None)


@dataclass(frozen=True)
class TiffPages:
    """The size of a TIFF's first page in pixels (0 if unknown), and how many pages it has."""

    width: int
    height: int
    count: int


def tiff_pages(content: bytes) -> TiffPages:
    """Read a TIFF's directories; what is damaged counts no further."""
    order = TIFF_STARTS[content[:4]]
    sizes: dict[int, int] = {}
    count = 0
    try:
        (place,) = struct.unpack_from(f"{order}I", content, 4)
        while place and count < MOST_PAGES:
            (entries,) = struct.unpack_from(f"{order}H", content, place)
            for entry in range(entries) if not count else ():
                tag, kind = struct.unpack_from(f"{order}HH", content, place + 2 + 12 * entry)
                if tag in (WIDTH, HEIGHT):
                    (sizes[tag],) = struct.unpack_from(
                        order + ("H" if kind == 3 else "I"), content, place + 10 + 12 * entry
                    )
            count += 1
            (place,) = struct.unpack_from(f"{order}I", content, place + 2 + 12 * entries)
    except struct.error:
        pass
    return TiffPages(sizes.get(WIDTH, 0), sizes.get(HEIGHT, 0), max(count, 1))
