"""Pictures that a camera stored turned, with a note for the viewer (Exif orientation): such files are refused.

TensorFlow's decoders do not turn them, viewers do: a heat map would lie beside the cell that a reader sees. One
regular expression finds the note, in Python and in the graph. Source: Exif 2.32, TIFF 6.0.
"""

from __future__ import annotations

import re

SEARCHED = 65536  # bytes from the start of a file: a segment of a JPEG is no longer
_ENTRIES = r"{any}{{2}}(?:{any}{{12}}){{0,16}}"  # of a directory, sorted by their numbers; 0x0112 comes early
_LITTLE = r"II\*\x00\x08\x00\x00\x00" + _ENTRIES + r"\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]\x00"
_BIG = r"MM\x00\*\x00\x00\x00\x08" + _ENTRIES + r"\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08]"
_TURNED = "(?:" + _LITTLE + "|" + _BIG + ")"
_BEFORE = (b"Exif\0\0", b"eXIf")  # in a JPEG, in a PNG
TURNED = r"\C*(?:Exif\x00\x00|eXIf)" + _TURNED.format(any=r"\C") + r"\C*"  # for RE2, where \C is any byte
_IN_PYTHON = re.compile(_TURNED.format(any=".").encode(), re.DOTALL)


def is_turned(content: bytes) -> bool:
    """Return whether a JPEG or PNG is to be shown turned or mirrored."""
    start = content[:SEARCHED]
    places = (place.end() for mark in _BEFORE for place in re.finditer(mark, start))
    return any(_IN_PYTHON.match(start, place) for place in places)
