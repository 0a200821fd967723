"""Contact sheets of a comparison: cells that all runs get wrong, and cells that only one gets right."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.evaluation.plots import plain
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.reporting.blocks import Gallery
from leukemia_tf.reporting.error_analysis import draw_gallery, only_right
from leukemia_tf.reporting.finished_runs import FinishedRun
from leukemia_tf.reporting.montage import cell_thumb, picture_of

log = logging.getLogger("leukemia_tf")

LARGEST = 24  # cells of a gallery
ALL_WRONG, ONLY_RIGHT = "all-wrong", "only-right-"


def draw_galleries(members: Sequence[FinishedRun], wrong: np.ndarray, folder: Path | None) -> dict[str, Figure]:
    """Return a contact sheet of each kind of cells that there are, by file name.

    Parameters
    ----------
    members : sequence of FinishedRun
        The runs.
    wrong : numpy.ndarray
        bool [runs, n]: which predictions are wrong.
    folder : pathlib.Path, optional
        Where the cells lie; without it there are no contact sheets.
    """
    if folder is None:
        return {}
    galleries = _galleries(members, wrong)
    shown = {name: _spread(cells) for name, (_, cells) in galleries.items()}
    return {
        name: draw_gallery(
            [
                _picture(_member_of(members, name).predictions[index], _member_of(members, name), folder)
                for index in shown[name]
            ],
            f"{len(shown[name])} of {len(cells):,} {title}",
        )
        for name, (title, cells) in galleries.items()
        if len(cells)
    }


def page_galleries(members: Sequence[FinishedRun], wrong: np.ndarray, folder: Path | None) -> list[Gallery]:
    """Return the same cells as galleries of a page."""
    if folder is None:
        return []
    galleries = []
    for name, (title, cells) in _galleries(members, wrong).items():
        member, shown = _member_of(members, name), _spread(cells).tolist()
        thumbs = [cell_thumb(member.predictions[index], member.threshold, folder) for index in shown]
        if thumbs:
            galleries.append(Gallery(f"{len(shown)} of {len(cells):,} {title}", thumbs, small=True))
    return galleries


def gallery_files(folder: Path) -> list[Path]:
    """Return the files of galleries that a folder may hold."""
    return [folder / f"{ALL_WRONG}.png", *folder.glob(f"{ONLY_RIGHT}*.png")]


def _galleries(members: Sequence[FinishedRun], wrong: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    """Return title and cells (int [m]) by file name."""
    only = {
        f"{ONLY_RIGHT}{member.name}": (f"right by {member.name} alone; p and threshold are its", cells)
        for member, cells in zip(members, only_right(wrong))
    }
    return {ALL_WRONG: ("wrong by all; p and threshold are those of the first", np.flatnonzero(wrong.all(0))), **only}


def _spread(cells: np.ndarray) -> np.ndarray:
    """Return some of the cells, evenly spaced, so that all patients are shown."""
    return cells[np.linspace(0, len(cells) - 1, min(LARGEST, len(cells))).round().astype(int)]


def find_folder(members: Sequence[FinishedRun]) -> Path | None:
    """Return the data folder of a run that holds the images; None with a warning if none does."""
    paths = [row.path for row in members[0].predictions]
    folders = dict.fromkeys(member.run.data for member in members)
    for folder in folders:
        if all((folder / path).is_file() for path in paths):
            return folder
    log.warning("WARNING: no galleries and no measures: the cells are no longer in %s", " or ".join(map(str, folders)))
    return None


def _member_of(members: Sequence[FinishedRun], gallery: str) -> FinishedRun:
    """Return the run that a gallery's captions are by: of cells that only one gets right, that one; else the first."""
    return next((one for one in members if gallery == f"{ONLY_RIGHT}{one.name}"), members[0])


def _picture(row: Prediction, member: FinishedRun, folder: Path) -> tuple[str, np.ndarray, bool]:
    text = f"{Path(row.path).name}\np = {row.probability:.3f}, threshold {member.threshold:.3g}"
    return plain(text), picture_of(folder / row.path), row.prediction != row.label
