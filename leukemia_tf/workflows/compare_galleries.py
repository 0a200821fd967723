"""Contact sheets of a comparison: cells that all runs get wrong, and cells that only one gets right."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from leukemia_tf.data.integrity import read_image
from leukemia_tf.evaluation.predictions import Prediction
from leukemia_tf.reporting.error_analysis import draw_gallery, only_right
from leukemia_tf.reporting.finished_runs import FinishedRun

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
    rows, galleries = members[0].predictions, _galleries(members, wrong)
    shown = {name: _spread(cells) for name, (_, cells) in galleries.items()}
    return {
        name: draw_gallery(
            [_picture(rows[index], folder) for index in shown[name]],
            f"{len(shown[name])} of {len(cells):,} {title}",
        )
        for name, (title, cells) in galleries.items()
        if len(cells)
    }


def gallery_files(folder: Path) -> list[Path]:
    """Return the files of galleries that a folder may hold."""
    return [folder / f"{ALL_WRONG}.png", *folder.glob(f"{ONLY_RIGHT}*.png")]


def _galleries(members: Sequence[FinishedRun], wrong: np.ndarray) -> dict[str, tuple[str, np.ndarray]]:
    """Return title and cells (int [m]) by file name."""
    only = {
        f"{ONLY_RIGHT}{member.name}": (f"right by {member.name} alone", cells)
        for member, cells in zip(members, only_right(wrong))
    }
    return {ALL_WRONG: ("wrong by all", np.flatnonzero(wrong.all(0))), **only}


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


def _picture(row: Prediction, folder: Path) -> tuple[str, np.ndarray]:
    return f"patient {row.patient}, {row.label}", read_image(folder / row.path)[1]
