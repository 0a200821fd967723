"""Single white blood cells, cut out of photographs of smears."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leukemia_tf.config import SegmentConfig
from leukemia_tf.core.console import progress_bar
from leukemia_tf.core.errors import ArgumentError, BadImageError, DataError
from leukemia_tf.core.files import write_csv
from leukemia_tf.core.pictures import Picture, Pictures
from leukemia_tf.core.png import write_png
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.cnmc import PIXEL_SIZE
from leukemia_tf.data.folder_files import LEFT_OUT, MASKS, OVERLAYS
from leukemia_tf.data.integrity import read_image
from leukemia_tf.data.outline import is_segmented
from leukemia_tf.data.reading import patient_of_file
from leukemia_tf.data.segmentation import FoundCell, find_cells, without_too_small
from leukemia_tf.data.segmentation_pictures import SIDE, draw_mask, draw_overlay, on_black
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.segment_names import cell_name, source_names

log = logging.getLogger("leukemia_tf")

CELL_COLUMNS = ("path", "source", "x", "y", "width", "height", "area", "patient")
LEFT_OUT_COLUMNS = ("source", "x", "y", "width", "height", "reason")
SEGMENTED = "has a black background: it is segmented already"
NO_CELL = "no white blood cell: nothing in it is stained as a nucleus is"
TOO_LARGE = f"larger than {SIDE} pixels as drawn: give the picture's `pixel_size`, or a smaller copy"


@dataclass
class Segmented:
    """What came of some pictures."""

    cells: Pictures = field(default_factory=Pictures)
    unusable: int = 0  # pictures that could not be used at all
    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)


def segment(config: SegmentConfig) -> Segmented:
    """Run the command `segment`; see `leukemia_tf.segment.segment`."""
    scale = _scale(config.pixel_size)
    images = find_images(config.images)
    if config.out.exists() and (not config.out.is_dir() or any(config.out.iterdir())):
        raise ArgumentError("out", config.out, "it holds other things: name a new or an empty folder.")
    names = source_names(images)
    done = Segmented()
    for image, name in progress_bar(zip(images, names), total=len(images), title="segmenting", unit="picture"):
        _segment_one(config, image, name, scale, done)
    write_csv(config.out / LEFT_OUT, LEFT_OUT_COLUMNS, done.left_out)
    if not done.cells:
        first = done.left_out[0]
        raise DataError(
            f"no cell in any of {len(images):,} pictures; the first: {first['source']}: {first['reason']} "
            f"({config.out / LEFT_OUT} names all)"
        )
    write_csv(RunFolder(config.out).cells, CELL_COLUMNS, done.rows)  # whose table of cells this one resembles
    _log(config, done, len(images))
    return done


def _segment_one(config: SegmentConfig, image: Path, name: str, scale: float, done: Segmented) -> None:
    """Write the cells of one picture, its overlay and its mask, and add its rows."""
    try:
        pixels = read_image(image)[1]
    except BadImageError as error:
        _refuse(image, error.reason, done)
        return
    if is_segmented(pixels):
        _refuse(image, SEGMENTED, done)
        return
    found = without_too_small(find_cells(pixels), config.pixel_size)
    cells = [(cell, None if cell.problem else on_black(pixels, cell, scale)) for cell in found]
    kept = [(cell, drawn) for cell, drawn in cells if drawn is not None]
    for number, (cell, drawn) in enumerate(kept, start=1):
        path = config.out / f"{cell_name(name, number)}.png"
        write_png(path, drawn)
        done.cells.append(Picture(path))
        done.rows.append(
            {"path": path.name, **_where(image, cell), "area": cell.area, "patient": patient_of_file(image)}
        )
    done.left_out += [
        {**_where(image, cell), "reason": cell.problem or TOO_LARGE} for cell, drawn in cells if drawn is None
    ]
    if not kept:
        log.warning("WARNING: %s: no cell is cut out of it", image)
    if not found:
        done.left_out.append({"source": str(image), "reason": NO_CELL})
    write_png(config.out / OVERLAYS / f"{name}.png", draw_overlay(pixels, found))
    if config.save_masks:
        write_png(config.out / MASKS / f"{name}.png", draw_mask(pixels.shape, (cell for cell, _ in kept)))


def _scale(pixel_size: float | None) -> float:
    """Return how much larger cells are drawn, so that they have the size of C-NMC's."""
    if pixel_size is None:
        log.warning(
            "WARNING: cells are drawn at the picture's size: a network that was trained on C-NMC's sees others, unless "
            "`pixel_size` says how many micrometres a pixel is"
        )
        return 1.0
    if not 0.001 <= pixel_size <= 10:
        raise ArgumentError("pixel_size", pixel_size, "it takes micrometres per pixel, from 0.001 to 10.")
    return pixel_size / PIXEL_SIZE


def _refuse(image: Path, reason: str, done: Segmented) -> None:
    log.error("error: %s: %s", image, reason)
    done.left_out.append({"source": str(image), "reason": reason})
    done.unusable += 1


def _where(image: Path, cell: FoundCell) -> dict[str, Any]:
    return {"source": str(image), **dict(zip(("x", "y", "width", "height"), cell.box, strict=True))}


def _log(config: SegmentConfig, done: Segmented, pictures: int) -> None:
    log.info("%d cells of %d pictures in %s; look at %s", len(done.cells), pictures, config.out, config.out / OVERLAYS)
    if done.left_out:
        reasons = _counted(row["reason"] for row in done.left_out)
        log.info("%d left out, named in %s: %s", len(done.left_out), config.out / LEFT_OUT, reasons)


def _counted(reasons: Iterable[str]) -> str:
    every: Sequence[str] = list(reasons)
    return "; ".join(f"{every.count(reason)} {reason}" for reason in dict.fromkeys(every))
