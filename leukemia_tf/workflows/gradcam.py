"""Where in the cell the network looked."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from leukemia_tf.config import GradcamConfig
from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import ArgumentError, BadImageError
from leukemia_tf.core.files import read_json, write_atomically
from leukemia_tf.data.catalog import find_images
from leukemia_tf.evaluation.plots import save
from leukemia_tf.explain.faithfulness_scores import more_faithful
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
from leukemia_tf.explain.regions import heat_shares
from leukemia_tf.inference.heat_maps import (
    ExplainedImage,
    ExplainedNetwork,
    captioned,
    explain_images,
    explained_networks,
    overlay_of,
    sheet_row,
)
from leukemia_tf.reporting.finished_runs import named_networks
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.output_names import OutputNames, with_ending

log = logging.getLogger("leukemia_tf")

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".pdf", ".svg"}  # endings of one file's name


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
    images = find_images(config.images)
    _check_out(config.out, images)
    views = _views(config)
    bad: list[BadImageError] = []
    shown = explain_images(views, images, bad)
    if len(images) == 1:
        written = [_draw_figure(config, views, image) for image in shown]
    else:
        written = _Sheets(config, views).draw(shown, images)
    if len(bad) == len(images):
        raise bad[0]
    _log_more_faithful(views)
    return written, len(bad)


def _check_out(out: Path | None, images: Sequence[Path]) -> None:
    """Stop where several images would go into one picture."""
    if out and len(images) > 1 and (out.is_file() or (out.suffix.lower() in PICTURES and not out.is_dir())):
        raise ArgumentError("out", out, f"{len(images)} images take a folder: each gets a picture of its own.")


def _log_more_faithful(views: Sequence[ExplainedNetwork]) -> None:
    """Log for each network, in one line, which method `explain_check` found more faithful than all that were drawn."""
    for file in dict.fromkeys(view.file for view in views):
        check = RunFolder(file.parent).explain_check
        of_network = {view.method: view.layers for view in views if view.file == file}
        better = more_faithful(read_json(check), of_network) if check.is_file() else None
        if better:
            log.info("%s", better)


def _views(config: GradcamConfig) -> list[ExplainedNetwork]:
    return explained_networks(named_networks(config.run), config.method or (DEFAULT,), config.layer)


def _draw_figure(config: GradcamConfig, views: Sequence[ExplainedNetwork], shown: ExplainedImage) -> Path:
    """Draw one image: a figure of its map, or several views side by side."""
    target, arrays = _figure_paths(config, views, shown.path)
    _log_and_save(config, views, shown, arrays)
    if len(views) > 1:
        heads = ("cell", *(view.title for view in views))
        return save(draw_sheet(sheet_row(shown, config.inside), len(heads), heads=heads), target, _texts(views, shown))
    members = dict(zip(views[0].members, shown.maps[0])) if len(shown.maps[0]) > 1 else {}
    layers = views[0].layers[0] if not members else ()
    figure = draw_heat_map(shown.frames[0], shown.heat(inside=config.inside), views[0].title, layers, members)
    return save(figure, target, _texts(views, shown))


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
            target = with_ending(stem, f"-{_kind(self.config)}.png")
            self.overlays.append(write_picture(picture, target, _texts(self.views, image)))
            self.pictures.append(captioned(image, picture))
        else:
            self.pictures += sheet_row(image, self.config.inside)

    def _finish_page(self) -> None:
        target = with_ending(self.names.numbered("contact-sheet"), f"-{_kind(self.config)}.png")
        title = self.views[0].title if self.single else ""
        figure = draw_sheet(self.pictures, self.columns, title, self.heads)
        self.sheets.append(save(figure, target, _texts(self.views)))
        self.pictures.clear()


def _kind(config: GradcamConfig) -> str:
    """Return what the pictures are named after: their only method, or that they have several."""
    return "heat-maps" if len(config.method) > 1 else (config.method or (DEFAULT,))[0]


def _texts(views: Sequence[ExplainedNetwork], shown: ExplainedImage | None = None) -> dict[str, str]:
    """Return what the file of a picture says: the methods, their layers, and of one image where the heat is."""
    each = [view.texts for view in views]
    texts = {key: "\n".join(dict.fromkeys(one.get(key, "") for one in each)) for key in ("Method", "Layers")}
    if shown is not None:
        heats = [heat_text(frame, shown.heat(number)) for number, frame in enumerate(shown.frames)]
        texts |= {"Title": shown.path.name, "Description": "\n".join(heats)}
    return texts


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
            _save_arrays(stem, view, shown, number)


def _save_arrays(stem: Path, view: ExplainedNetwork, shown: ExplainedImage, number: int) -> None:
    """Write one map, never over that of another network."""
    frame, heat = shown.frames[number], shown.heat(number)
    names = chain([view.name], (f"{view.name}-{again}" for again in count(2)))
    path = next(path for name in names if _may_write(path := with_ending(stem, f"-{name}.npz"), view.file))
    arrays: dict[str, Any] = {
        "heat": heat,
        **{f"share_{part}": share for part, share in heat_shares(heat, frame.parts).items()},
        "network": str(view.file),
        "members": np.stack(shown.maps[number]),
        "windows": np.array(frame.boxes),
        "logit": frame.prediction.logit,
        "probability": frame.prediction.probability,
        "prediction": frame.prediction.prediction,
        "status": frame.prediction.status,
        "method": view.method,
        "layers": ["; ".join(layers) for layers in view.layers],
    }
    write_atomically(path, lambda scratch: np.savez_compressed(scratch, **arrays))


def _may_write(path: Path, network: Path) -> bool:
    """Return whether a path is free or holds a map of the same network."""
    if not path.exists():
        return True
    try:
        with np.load(path) as arrays:
            return str(arrays.get("network", "")) == str(network)
    except (OSError, ValueError):  # no arrays of ours
        return False
