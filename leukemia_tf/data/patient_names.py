"""The one form of a patient's name, whichever file it is read from."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable


def patient_name(text: str) -> str:
    """Return a patient's name without what differs between computers: letter case, Unicode form, spaces around it.

    `l2` is `L2`. A letter with an accent is one character (Unicode's form NFC): Windows writes it so, macOS does not.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold().upper()).strip()


def spellings(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the spellings of each patient who has several among these names, sorted."""
    found = defaultdict(set)
    for name in names:
        found[patient_name(name)].add(name)
    return {patient: tuple(sorted(texts)) for patient, texts in found.items() if len(texts) > 1}
