"""The markers of a JPEG: its frame header, and whether the picture has an end. Source: ITU T.81."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

FRAME_MARKERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
READ_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive; others are lossless or arithmetic
LONE_MARKERS = {0x01, *range(0xD0, 0xD9)}
END = 0xD9
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True)
class JpegFrame:
    """What a JPEG's frame header says."""

    marker: int
    bits: int
    height: int
    width: int
    components: int


def jpeg_frame(content: bytes) -> JpegFrame | None:
    """Return a JPEG's frame header, or None if there is none."""
    place = 2
    while place + 9 < len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in FRAME_MARKERS:
            return JpegFrame(marker, *struct.unpack_from(">BHHB", content, place + 4))
        if marker == 0xFF:
            place += 1
        elif marker in LONE_MARKERS:
            place += 2
        else:
            place += 2 + struct.unpack_from(">H", content, place + 2)[0]
    return None


def has_end(content: bytes) -> bool:
    """Return whether a JPEG's picture ends; what a camera or a microscope writes behind it does not matter."""
    place = 2
    while match := _MARKER.search(content, place):
        marker, place = content[match.end() - 1], match.end()
        if marker == END:
            return True
        if marker not in LONE_MARKERS:
            if place + 2 > len(content):
                return False
            place += struct.unpack_from(">H", content, place)[0]
    return False
