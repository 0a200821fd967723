"""What stands for a class: names of folders and values in tables, well-known ones and those that a user maps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.catalog import CODES

NONE = "none"  # neither class: such images are left out
KNOWN = {
    "all": ("all", "leukemia", "leukaemia", "leukemic", "leukaemic", "blast", "blasts", "lymphoblast", "lymphoblasts"),
    "hem": ("hem", "normal", "healthy", "benign", "hematogone", "hematogones", "haematogone", "haematogones"),
    NONE: ("unlabelled", "unlabeled", "testing data"),
}
EXAMPLE = "labels=all=Early,Pre,Pro hem=Benign"


def normalized(word: str) -> str:
    """Return a word without what differs between spellings: letter case, Unicode form, `_`, `-`, spaces around it."""
    return re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", word)).strip().casefold()


def without_point(number: str) -> str:
    """Return `1` for `1.0` or `1,0`, as programs write a whole number among others; any other text as it is."""
    match = re.fullmatch(r"(\d+)[.,]0", number)
    return match[1] if match else number


@dataclass(frozen=True)
class LabelWords:
    """The words that stand for a class.

    Parameters
    ----------
    mapped : mapping
        What the user maps: class (`all`, `hem` or `none`) by normalised word.
    """

    mapped: Mapping[str, str]

    def of_folder(self, name: str) -> str | None:
        """Return the class that a folder's name stands for, or None; a folder named 1 is more likely a patient's."""
        word = normalized(name)
        return self.mapped.get(word) or KNOWN_CLASSES.get(word)

    def of_value(self, value: str) -> str | None:
        """Return the class that a value of a table stands for, `1`, `1.0` and `0` too, or None."""
        word = without_point(normalized(value))
        return self.mapped.get(normalized(value)) or self.mapped.get(word) or KNOWN_CLASSES.get(word) or CODES.get(word)


KNOWN_CLASSES = {word: label for label, words in KNOWN.items() for word in words}


def parse_labels(labels: Sequence[str]) -> LabelWords:
    """Return the words of a mapping such as `("all=Early,Pre,Pro", "hem=Benign")`, added to the well-known ones.

    Raises
    ------
    ArgumentError
        If an entry has another form, or a word stands for two classes.
    """
    mapped: dict[str, str] = {}
    for entry in labels:
        label, equals, names = entry.partition("=")
        label, words = normalized(label), [normalized(name) for name in names.split(",")]
        if not equals or label not in KNOWN or not all(words):
            raise ArgumentError("labels", entry, f"it takes all=NAMES, hem=NAMES and none=NAMES, as in `{EXAMPLE}`.")
        for word in words:
            if mapped.setdefault(word, label) != label:
                raise ArgumentError("labels", entry, f"{word!r} stands for `{mapped[word]}` and for `{label}`.")
    return LabelWords(mapped)
