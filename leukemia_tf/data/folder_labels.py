"""Labels by folder: which folders label images, and which are questioned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.core.errors import DataError
from leukemia_tf.data.label_words import EXAMPLE, NONE, LabelWords, normalized

LISTED = 10  # folders in a sentence
NOT_PATIENTS = {"train", "training", "val", "valid", "validation", "test", "testing", "images", "pictures", "cells"}
Parts = tuple[str, ...]  # a folder below the data folder


@dataclass(frozen=True)
class FolderLabels:
    """Labels of the folders below a data folder.

    Parameters
    ----------
    classes : mapping
        Class (`all`, `hem`, `none`) of each folder that labels the images below it.
    """

    classes: Mapping[Parts, str]

    def folder_of(self, above: Parts) -> Parts | None:
        """Return the folder that labels an image in the folder `above`, or None."""
        return next((above[:end] for end in range(len(above), 0, -1) if above[:end] in self.classes), None)

    def label(self, above: Parts) -> str | None:
        """Return the class of an image in the folder `above`, or None."""
        return self.classes.get(self.folder_of(above) or ())

    def is_left_out(self, above: Parts, words: LabelWords) -> bool:
        """Return whether the user maps the folder that labels an image to neither class."""
        name = (self.folder_of(above) or ("",))[-1]
        return words.mapped.get(normalized(name)) == NONE

    def patient(self, above: Parts) -> str:
        """Return the folder below the one that labels, which is the patient's; empty if there is none."""
        place = len(self.folder_of(above) or ())
        return above[place] if place < len(above) else ""

    def spelt(self) -> dict[str, list[str]]:
        """Return the names of the folders of each class, as they are spelt."""
        names: dict[str, list[str]] = {}
        for folder, label in sorted(self.classes.items()):
            if folder[-1] not in names.setdefault(label, []):
                names[label].append(folder[-1])
        return names


def label_folders(folders: Iterable[Parts], words: LabelWords) -> FolderLabels:
    """Return the folders that label images: of each image's folders the lowest whose name stands for a class.

    A folder above another that labels is none: in `ALL/Benign` and `ALL/Early`, `ALL` is the name of the data set.
    """
    classes: dict[Parts, str] = {}
    for above in set(folders):
        for end in range(len(above), 0, -1):
            label = words.of_folder(above[end - 1])
            if label:
                classes[above[:end]] = label
                break
    higher = {folder[:end] for folder in classes for end in range(1, len(folder))}
    return FolderLabels({folder: label for folder, label in classes.items() if folder not in higher})


def check_folders(folder: Path, labels: FolderLabels, unlabelled: Iterable[Parts], labelled: bool) -> None:
    """Stop at folders of images that stand for no class, beside folders that do, or where nothing is labelled.

    Parameters
    ----------
    folder : pathlib.Path
        The data folder.
    labels : FolderLabels
        The folders that label.
    unlabelled : iterable of tuple of str
        The folder of each image without a label.
    labelled : bool
        Whether any image has a label, from wherever.

    Raises
    ------
    DataError
        With the folders, the number of their images, and the flag.
    """
    counts = Counter(above for above in unlabelled if labels.folder_of(above) is None)
    unknown = _beside(labels, counts) if labelled else _lowest_set(counts)
    if not unknown:
        return
    shown = [f"{'/'.join(name)} (images: {count:,})" for name, count in sorted(unknown.items())]
    more = f" and {len(shown) - LISTED} more" if len(shown) > LISTED else ""
    known = "; ".join(
        f"{', '.join(names)} {'are' if len(names) > 1 else 'is'} `{label}`" for label, names in labels.spelt().items()
    )
    raise DataError(
        f"{folder}: the folders {', '.join(shown[:LISTED])}{more} stand for no class"
        + (f" ({known})" if known else "")
        + f": map each of them, as in `{EXAMPLE}`; `labels=none=NAMES` leaves images out."
    )


def _beside(labels: FolderLabels, counts: Mapping[Parts, int]) -> Counter[Parts]:
    """Return the folders beside those that label, with the number of images without a label below them."""
    parents = {folder[:-1] for folder, label in labels.classes.items() if label != NONE}
    found: Counter[Parts] = Counter()
    for above, count in counts.items():
        places = [end for end in range(1, len(above) + 1) if above[: end - 1] in parents]
        if places:
            found[above[: places[0]]] += count
    return found


def _lowest_set(counts: Mapping[Parts, int]) -> Counter[Parts]:
    """Return the highest folders that stand beside each other, with the number of images below them."""
    for level in range(1, max(map(len, counts), default=0) + 1):
        found: Counter[Parts] = Counter()
        for above, count in counts.items():
            found[above[:level]] += count if len(above) >= level else 0
        found = +found
        if len(found) > 1:
            return found
    return Counter()


def question_all(folder: Path, labels: FolderLabels, words: LabelWords) -> None:
    """Stop if the only folders that label are named `all` by chance: it may be the data set's name.

    Raises
    ------
    DataError
        With the folder and the flag that answers it.
    """
    named = [name for name, label in labels.classes.items() if label != NONE]
    if named and all(normalized(name[-1]) == "all" and "all" not in words.mapped for name in named):
        raise DataError(
            f"{folder / Path(*named[0])}: is `{named[0][-1]}` the class, or the name of the data set? No image is "
            "labelled `hem`, and no folder beside it is named so. If it is the class, say `labels=all=all`; else map "
            f"the folders below it, as in `{EXAMPLE}`."
        )


def is_no_patient(name: str) -> bool:
    """Return whether a folder's name is that of a part of a data set, and not a patient's."""
    return normalized(name) in NOT_PATIENTS
