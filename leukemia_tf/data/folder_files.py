"""The files below a folder: images, tables, and what is passed over, with a count of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from leukemia_tf.data.integrity import SUFFIXES
from leukemia_tf.runs.run_folder import CONFIG, ENVIRONMENT, REJECTED
from leukemia_tf.runs.study_folder import STUDY

OUTPUTS = ({"audit.json", REJECTED}, {CONFIG, ENVIRONMENT}, {STUDY})  # files of an audit, of a run, of a study
LEFT_OUT, MASKS, OVERLAYS = "left-out.csv", "masks", "overlays"  # of a folder of segmented cells
SYSTEM = {"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "lost+found"}
LISTED = 3  # names in a sentence


@dataclass(frozen=True)
class FolderFiles:
    """The files below a folder.

    Parameters
    ----------
    images : tuple of pathlib.Path
        Files with an image's ending, sorted; not all of them can be read.
    tables : tuple of pathlib.Path
        CSV files, sorted.
    hidden : tuple of pathlib.Path
        Images that are passed over: hidden (`._cell.bmp`), or in hidden folders or those of a system.
    others : Counter
        Number of other files by their ending.
    """

    images: tuple[Path, ...]
    tables: tuple[Path, ...]
    hidden: tuple[Path, ...]
    others: Counter[str]

    def passed_over(self, folder: Path) -> str:
        """Return a sentence on the images that are passed over, or nothing."""
        if not self.hidden:
            return ""
        places = list(dict.fromkeys(_hidden_part(path.relative_to(folder)) for path in self.hidden))
        shown = ", ".join(places[:LISTED]) + (", …" if len(places) > LISTED else "")
        return f"images passed over, with hidden names or in hidden or system folders: {len(self.hidden):,} ({shown})"


def list_files(folder: Path) -> FolderFiles:
    """List the files below a folder without those in the folders of runs, studies and audits; links are followed."""
    images: list[Path] = []
    tables: list[Path] = []
    hidden: list[Path] = []
    others: Counter[str] = Counter()
    seen: set[str] = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen or (Path(root) != folder and any(files <= set(names) for files in OUTPUTS)):
            folders.clear()
            continue
        seen.add(real)
        if LEFT_OUT in names:  # segmented cells: these are pictures of whole fields
            folders[:] = [name for name in folders if name not in (MASKS, OVERLAYS)]
        inside_hidden = _is_hidden(Path(root).relative_to(folder).parts)
        for name in names:
            suffix = os.path.splitext(name)[1].lower()
            if inside_hidden or _is_hidden([name]):
                hidden += [Path(root, name)] * (suffix in SUFFIXES)
            elif suffix in SUFFIXES:
                images.append(Path(root, name))
            elif suffix == ".csv":
                tables.append(Path(root, name))
            else:
                others[suffix or "no ending"] += 1
    whole = (path for path in images if path.is_file())
    return FolderFiles(tuple(sorted(whole)), _files(tables), _files(hidden), others)


def _files(paths: Iterable[Path]) -> tuple[Path, ...]:
    return tuple(sorted(path for path in paths if path.is_file()))


def _is_hidden(parts: Iterable[str]) -> bool:
    return any(part.startswith(".") or part.lower() in SYSTEM for part in parts)


def _hidden_part(path: Path) -> str:
    """Return what makes a path hidden, as a user would look for it."""
    return next(str(Path(*path.parts[: i + 1])) for i, part in enumerate(path.parts) if _is_hidden([part]))
