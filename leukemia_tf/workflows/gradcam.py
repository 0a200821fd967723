"""Where in the cell the network looked."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.config import GradcamConfig
from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import BadImageError
from leukemia_tf.core.files import write_atomically
from leukemia_tf.data.catalog import find_images
from leukemia_tf.evaluation.plots import save
from leukemia_tf.explain.methods import DEFAULT
from leukemia_tf.explain.pictures import (
    COLUMNS,
    ROWS,
    draw_heat_map,
    draw_sheet,
    heat_text,
    prediction_text,
    write_picture,
)
from leukemia_tf.inference.heat_maps import (
    ExplainedImage,
    ExplainedNetwork,
    captioned,
    explain_images,
    explained_networks,
    overlay_of,
    sheet_row,
)
from leukemia_tf.reporting.finished_runs import distinct_names
from leukemia_tf.runs.run_folder import network_file
from leukemia_tf.workflows.output_names import OutputNames, with_ending

log = logging.getLogger("leukemia_tf")


def gradcam(config: GradcamConfig) -> list[Path]:
    """Run the command `gradcam`; see `leukemia_tf.gradcam.gradcam`."""
    return _draw(config)[0]


def gradcam_command(config: GradcamConfig) -> int:
    """Return the exit status: 3 if some images could not be used."""
    written, bad = _draw(config)
    if len(written) == 1:
        log.info("%s", written[0])
    return 3 if bad else 0


def _draw(config: GradcamConfig) -> tuple[list[Path], int]:
    """Return the PNGs, and how many images could not be used."""
    views = _views(config)
    images = find_images(config.images)
    bad: list[BadImageError] = []
    shown = explain_images(views, images, bad)
    if len(images) == 1:
        written = [_draw_figure(config, views, image) for image in shown]
    else:
        written = _Sheets(config, views).draw(shown, images)
    if len(bad) == len(images):
        raise bad[0]
    return written, len(bad)


def _views(config: GradcamConfig) -> list[ExplainedNetwork]:
    networks = [network_file(run) for run in config.run or (None,)]
    named = dict(zip(distinct_names(config.run or networks), networks))
    return explained_networks(named, config.method or (DEFAULT,), config.layer)


def _draw_figure(config: GradcamConfig, views: Sequence[ExplainedNetwork], shown: ExplainedImage) -> Path:
    """Draw one image: a figure of its map, or several views side by side."""
    target, arrays = _figure_paths(config, views, shown.path)
    _log_and_save(config, views, shown, arrays)
    if len(views) > 1:
        heads = ("cell", *(view.title for view in views))
        return save(draw_sheet(sheet_row(shown, config.inside), len(heads), heads=heads), target)
    members = dict(zip(views[0].members, shown.maps[0])) if len(shown.maps[0]) > 1 else {}
    heat = shown.heat(inside=config.inside)
    return save(draw_heat_map(shown.frames[0], heat, views[0].title, members), target)


def _figure_paths(config: GradcamConfig, views: Sequence[ExplainedNetwork], image: Path) -> tuple[Path, Path]:
    """Return the PNG of one image, and the path without ending of its arrays."""
    if config.out and not config.out.is_dir():
        return config.out, config.out.parent / image.stem
    stem = OutputNames(config.out, _endings(config, views)).stem(image.stem)
    return with_ending(stem, f"-{_kind(config)}.png"), stem


class _Sheets:
    """Draws several images: one overlay per image where there is one view, and contact sheets of all.

    Parameters
    ----------
    config : GradcamConfig
        The request.
    views : sequence of ExplainedNetwork
        The columns of the sheets, if more than one.
    """

    def __init__(self, config: GradcamConfig, views: Sequence[ExplainedNetwork]) -> None:
        self.config, self.views, self.single = config, views, len(views) == 1
        self.names = OutputNames(config.out, _endings(config, views))
        self.heads = () if self.single else ("cell", *(view.title for view in views))
        self.columns = COLUMNS if self.single else len(self.heads)
        self.overlays: list[Path] = []
        self.sheets: list[Path] = []
        self.pictures: list[tuple[str, np.ndarray]] = []  # of the page in progress

    def draw(self, shown: Iterable[ExplainedImage], images: Sequence[Path]) -> list[Path]:
        """Return the overlays, then the sheets."""
        same_name = Counter(path.name for path in images)
        for image in progress_bar(shown, total=len(images), title="explaining", unit="cell"):
            path = image.path
            unique = path.stem if same_name[path.name] == 1 else f"{path.parent.name}-{path.stem}"
            self._add(image, self.names.stem(unique))
            if len(self.pictures) == self.columns * ROWS:
                self._finish_page()
        if self.pictures:
            self._finish_page()
        log.info("%d overlays and %d contact sheets in %s", len(self.overlays), len(self.sheets), self.names.folder)
        return self.overlays + self.sheets

    def _add(self, image: ExplainedImage, stem: Path) -> None:
        _log_and_save(self.config, self.views, image, stem)
        if self.single:
            picture = overlay_of(image, inside=self.config.inside)
            self.overlays.append(write_picture(picture, with_ending(stem, f"-{_kind(self.config)}.png")))
            self.pictures.append(captioned(image, picture))
        else:
            self.pictures += sheet_row(image, self.config.inside)

    def _finish_page(self) -> None:
        target = with_ending(self.names.numbered("contact-sheet"), f"-{_kind(self.config)}.png")
        title = self.views[0].title if self.single else ""
        self.sheets.append(save(draw_sheet(self.pictures, self.columns, title, self.heads), target))
        self.pictures.clear()


def _kind(config: GradcamConfig) -> str:
    """Return what the pictures are named after: the only method given, else this command."""
    return config.method[0] if len(config.method) == 1 else "gradcam"


def _endings(config: GradcamConfig, views: Sequence[ExplainedNetwork]) -> list[str]:
    """Return the endings of an image's files."""
    return [f"-{_kind(config)}.png", *(f"-{view.name}.npz" for view in views if config.save_arrays)]


def _log_and_save(config: GradcamConfig, views: Sequence[ExplainedNetwork], shown: ExplainedImage, stem: Path) -> None:
    """Log the prediction and where the heat is, and write the arrays if `save_arrays` is set."""
    for number, (view, frame) in enumerate(zip(views, shown.frames)):
        heat, name = shown.heat(number), f"{view.title}: ".replace("\n", ", ") if len(views) > 1 else ""
        if not frame.mask.any():
            log.warning("%s: there is no cell in this image; it is all background", shown.path)
        log.info("%s: %s%s; %s", shown.path, name, prediction_text(frame.prediction), heat_text(frame, heat))
        if config.save_arrays:
            _save_arrays(with_ending(stem, f"-{view.name}.npz"), view, shown, number)


def _save_arrays(path: Path, view: ExplainedNetwork, shown: ExplainedImage, number: int) -> None:
    frame = shown.frames[number]
    arrays: dict[str, Any] = {
        "heat": shown.heat(number),
        "members": np.stack(shown.maps[number]),
        "windows": np.array(frame.boxes),
        "logit": frame.prediction.logit,
        "probability": frame.prediction.probability,
        "prediction": frame.prediction.prediction,
        "status": frame.prediction.status,
        "method": view.method,
        "layers": view.layers,
    }
    write_atomically(path, lambda scratch: np.savez_compressed(scratch, **arrays))
