"""What the files of segmented pictures are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from leukemia_tf.data.cnmc import parse_cnmc_name


def source_names(images: Sequence[Path]) -> list[str]:
    """Return a name for each picture: its file's, with its folder's before it where several have that.

    Examples
    --------
    >>> source_names([Path("a/1.png"), Path("b/1.png"), Path("b/2.png"), Path("b/2.jpg")])
    ['a-1', 'b-1', 'b-2', 'b-2-again']
    """
    often = Counter(_folded(image.stem) for image in images)
    names: list[str] = []
    taken: set[str] = set()
    for image in images:
        name = image.stem if often[_folded(image.stem)] == 1 else f"{image.absolute().parent.name}-{image.stem}"
        while _folded(name) in taken:
            name += "-again"
        taken.add(_folded(name))
        names.append(name)
    return names


def cell_name(source: str, number: int) -> str:
    """Return the name of a picture's cell. A name in C-NMC's form stays in it, so that label and patient are read.

    Examples
    --------
    >>> cell_name("field", 2), cell_name("UID_11_10_1_all", 2)
    ('field-2', 'UID_11_10_1_2_all')
    """
    if parse_cnmc_name(Path(f"{source}.png")):
        stem, _, label = source.rpartition("_")
        return f"{stem}_{number}_{label}"
    return f"{source}-{number}"


def _folded(name: str) -> str:
    return name.casefold()  # two names that differ in case alone are one file on some systems
