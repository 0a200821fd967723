"""`python -m leukemia_tf.gradcam`: where in the cell the network looked."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import GradcamConfig
from leukemia_tf.errors import BadImageError
from leukemia_tf.run import explanation, network_file

if TYPE_CHECKING:
    from leukemia_tf.views import Shown, View

log = logging.getLogger("leukemia_tf")


def gradcam(config: GradcamConfig) -> list[Path]:
    """Draw where in each image's cell the network found what speaks for its answer.

    One image gets a figure: the cell, the map in the original's pixels, the overlay. Several get an overlay each, in
    the original's pixels, and contact sheets. Several methods or networks stand side by side, a row an image.

    Parameters
    ----------
    config : GradcamConfig
        The images; the newest run and the default method by default.

    Returns
    -------
    list of pathlib.Path
        The PNGs: those of the images in the order asked, then the sheets.

    Raises
    ------
    BadImageError
        If no image can be used. One that can't be among several is told in the log and left out.
    """
    return _drawn(config)[0]


def _drawn(config: GradcamConfig) -> tuple[list[Path], int]:
    """Return the PNGs, and how many images could not be used."""
    networks = [network_file(run) for run in config.run or (None,)]
    from leukemia_tf.data.catalog import find_images
    from leukemia_tf.explain.methods import DEFAULT
    from leukemia_tf.members import distinct_names
    from leukemia_tf.views import explained, views_of

    named = dict(zip(distinct_names(config.run or networks), networks))
    views = views_of(named, config.method or (DEFAULT,), config.layer)
    images = find_images(config.images)
    bad: list[BadImageError] = []
    shown = explained(views, images, bad)
    if len(images) == 1:
        written = [_figure(config, views, one) for one in shown]
    else:
        written = _overlays_and_sheets(config, views, shown, images)
    if len(bad) == len(images):
        raise bad[0]
    return written, len(bad)


def _figure(config: GradcamConfig, views: Sequence[View], shown: Shown) -> Path:
    """Draw one image: a figure of its map, or of several views side by side."""
    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.explain.pictures import draw_heat_map, draw_sheet
    from leukemia_tf.views import row_of

    beside = explanation(shown.path, _kind(config))
    target = config.out / beside.name if config.out and config.out.is_dir() else config.out or beside
    _tell(config, views, shown, target.parent / shown.path.stem)
    if len(views) > 1:
        heads = ("cell", *(view.title for view in views))
        return save(draw_sheet(row_of(shown, config.inside), len(heads), heads=heads), target)
    own = dict(zip(views[0].members, shown.maps[0])) if len(shown.maps[0]) > 1 else {}
    return save(draw_heat_map(shown.frames[0], shown.heat(inside=config.inside), views[0].title, own), target)


def _overlays_and_sheets(
    config: GradcamConfig, views: Sequence[View], shown: Iterable[Shown], images: Sequence[Path]
) -> list[Path]:
    """Draw several images: an overlay each where there is one view, and sheets of all."""
    from tqdm import tqdm

    from leukemia_tf.evaluation.plots import save
    from leukemia_tf.explain.pictures import COLUMNS, ROWS, draw_sheet, write_picture
    from leukemia_tf.views import captioned, overlay_of, row_of

    alone, taken = len(views) == 1, Counter(path.name for path in images)
    heads = () if alone else ("cell", *(view.title for view in views))
    columns, title = (COLUMNS, views[0].title) if alone else (len(heads), "")
    sheets_at = config.out or images[0].parent
    overlays, sheets, pictures = [], [], []

    def turn_page() -> None:
        target = explanation(sheets_at / f"contact-sheet-{len(sheets) + 1}", _kind(config))
        sheets.append(save(draw_sheet(pictures, columns, title, heads), target))
        pictures.clear()

    for one in tqdm(shown, total=len(images), desc="explaining", unit="cell", leave=False):
        stem = one.path.stem if taken[one.path.name] == 1 else f"{one.path.parent.name}-{one.path.stem}"
        beside = (config.out or one.path.parent) / stem
        _tell(config, views, one, beside)
        if alone:
            picture = overlay_of(one, inside=config.inside)
            overlays.append(write_picture(picture, beside.with_name(f"{stem}-{_kind(config)}.png")))
            pictures.append(captioned(one, picture))
        else:
            pictures += row_of(one, config.inside)
        if len(pictures) == columns * ROWS:
            turn_page()
    if pictures:
        turn_page()
    log.info("%d overlays and %d contact sheets in %s", len(overlays), len(sheets), sheets_at)
    return overlays + sheets


def _kind(config: GradcamConfig) -> str:
    """Return what the pictures are called after: the method that was named, else this command."""
    return config.method[0] if len(config.method) == 1 else "gradcam"


def _tell(config: GradcamConfig, views: Sequence[View], shown: Shown, beside: Path) -> None:
    """Say what is seen in an image, and keep the arrays if that is asked for."""
    import numpy as np

    from leukemia_tf.explain.pictures import heat_said, said
    from leukemia_tf.files import write_atomically

    for number, (view, frame) in enumerate(zip(views, shown.frames)):
        heat, name = shown.heat(number), f"{view.title}: ".replace("\n", ", ") if len(views) > 1 else ""
        if not frame.mask.any():
            log.warning("%s: there is no cell in this image; it is all background", shown.path)
        log.info("%s: %s%s; %s", shown.path, name, said(frame.prediction), heat_said(frame, heat))
        if config.save_arrays:
            row = frame.prediction
            words = {"prediction": row.prediction, "status": row.status, "method": view.method, "layers": view.layers}
            arrays = {"heat": heat, "members": np.stack(shown.maps[number]), "windows": np.array(frame.boxes)}
            arrays |= {"logit": row.logit, "probability": row.probability, **words}
            path = beside.with_name(f"{beside.name}-{view.name}.npz")
            write_atomically(path, lambda scratch, arrays=arrays: np.savez_compressed(scratch, **arrays))


def _command(config: GradcamConfig) -> int:
    written, bad = _drawn(config)
    if len(written) == 1:
        log.info("%s", written[0])
    return 3 if bad else 0


if __name__ == "__main__":
    run_command("gradcam", GradcamConfig, _command)
