"""File names of pictures drawn of images: in the working directory no file is ever written over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path


class OutputNames:
    """Distinct names for the pictures of several images in one folder.

    Parameters
    ----------
    folder : pathlib.Path, optional
        The folder that the user named, in which files are written over. By default the working directory, in which
        a name is taken, too, if one of its files exists.
    endings : sequence of str
        What follows a name in the files that will be written, such as `-gradcam.png`.

    Examples
    --------
    >>> names = OutputNames(Path("maps"), ["-gradcam.png"])
    >>> [names.stem("cell").as_posix(), names.stem("cell").as_posix(), names.numbered("sheet").as_posix()]
    ['maps/cell', 'maps/cell-2', 'maps/sheet-1']
    """

    def __init__(self, folder: Path | None, endings: Sequence[str]) -> None:
        self.folder, self._endings, self._overwrites = folder or Path(), endings, folder is not None
        self._taken: set[Path] = set()

    def stem(self, name: str) -> Path:
        """Return a path without ending: `name`, with a number where that is taken."""
        return self._first_free(chain([name], (f"{name}-{number}" for number in count(2))))

    def numbered(self, name: str) -> Path:
        """Return a path without ending: `name` with the next number that is not taken."""
        return self._first_free(f"{name}-{number}" for number in count(1))

    def _first_free(self, names: Iterable[str]) -> Path:
        path = next(path for path in (self.folder / name for name in names) if not self._is_taken(path))
        self._taken.add(path)
        return path

    def _is_taken(self, path: Path) -> bool:
        files = () if self._overwrites else [with_ending(path, ending) for ending in self._endings]
        return path in self._taken or any(file.exists() for file in files)


def with_ending(path: Path, ending: str) -> Path:
    """Return a path with text added to its name."""
    return path.with_name(path.name + ending)


def default_picture(image: Path, kind: str) -> Path:
    """Return where a picture of an image is written by default: `NAME-KIND.png` in the working directory."""
    ending = f"-{kind}.png"
    return with_ending(OutputNames(None, [ending]).stem(image.stem), ending)
