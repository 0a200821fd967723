"""Pictures of heat maps over cells."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure

from leukemia_tf.core.files import write_atomically
from leukemia_tf.core.png import encode_png, with_texts
from leukemia_tf.evaluation.plots import INK, RED, plain
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction
from leukemia_tf.explain.frame import Frame
from leukemia_tf.explain.regions import heat_shares

COLOURS = LinearSegmentedColormap.from_list(  # greens, the complement of the stain's purple, ever lighter
    "heat", ("#04170d", "#0a5a30", "#14964c", "#4ccf4f", "#b8f02e", "#f6ff8c")
)
PALETTE = COLOURS(np.arange(256))[:, :3].astype(np.float32)
OPAQUE = 0.92  # what the heat hides of the cell at its maximum
HALF = 0.5  # of the map's maximum: where its contour is drawn
THUMB, GAP = 150, 6  # pixels of a sheet's pictures and between them
COLUMNS, ROWS = 6, 8  # pictures of a sheet
CAPTION = 36  # letters of a line below one
FRAME = 3  # pixels of the frame of a misclassified cell


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lay a heat map over an image, with a white contour at half of its maximum.

    Parameters
    ----------
    image : numpy.ndarray
        uint8 [h, w, 3].
    heat : numpy.ndarray
        float [h, w], 0-1.

    Returns
    -------
    numpy.ndarray
        float32 [h, w, 3], 0-1.
    """
    levels = np.cumsum(np.bincount(image.ravel(), minlength=256))
    brightest = max(1, int(np.searchsorted(levels, 0.995 * levels[-1])))  # of all but 1 in 200, which may be specks
    bright = np.minimum(image * np.float32(0.85 / brightest), 1)
    alpha = (OPAQUE * heat.astype(np.float32))[..., None]
    mixed = bright + alpha * (PALETTE[np.rint(255 * heat).astype(np.uint8)] - bright)
    hot = (heat >= HALF * heat.max()).astype(np.uint8) if heat.any() else np.zeros(heat.shape, np.uint8)
    outlines, _ = cv2.findContours(hot, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(min(heat.shape) / 220))
    for colour, wider in ((0.0, 2), (1.0, 0)):  # white, with a dark edge on either side
        mixed = cv2.drawContours(np.ascontiguousarray(mixed), outlines, -1, (colour,) * 3, width + wider, cv2.LINE_AA)
    return mixed


def write_picture(picture: np.ndarray, path: Path, texts: Mapping[str, str]) -> Path:
    """Write a picture, float32 [h, w, 3] of 0-1, as PNG with text in it; faster than through a figure."""
    png = encode_png((255 * picture).astype(np.uint8))
    return write_atomically(path, lambda scratch: scratch.write_bytes(with_texts(png, texts)))


def prediction_text(prediction: Prediction) -> str:
    """Return a caption: the prediction, its probability, and the label and the status where they matter."""
    truth = f", labelled {LABEL_NAMES[prediction.label]}" if prediction.label else ""
    status = "" if prediction.status == "ok" else f" ({prediction.status})"
    return f"{LABEL_NAMES[prediction.prediction]}, p = {prediction.probability:.3f}{truth}{status}"


def heat_text(frame: Frame, heat: np.ndarray) -> str:
    """Return a caption: the shares of the heat in the parts of the cell, and those left outside it."""
    if not frame.mask.any():
        return "there is no cell in this image"
    shares = {part: f"{share:.0%}" for part, share in heat_shares(heat, frame.parts).items()}
    if not heat.any():
        return "nothing supports the prediction"
    inside = "{cell} of the heat in the cell, {core} in its core, {rim} on its rim".format(**shares)
    return inside + "; {outside} outside it, {border} along the frame's border".format(**shares)


def draw_heat_map(
    frame: Frame,
    heat: np.ndarray,
    method: str,
    layers: Sequence[str] = (),
    members: Mapping[str, np.ndarray] | None = None,
) -> Figure:
    """Draw the cell, the heat map in the original's pixels, and the overlay; for an ensemble each member's overlay too.

    Parameters
    ----------
    frame : Frame
        The cell.
    heat : numpy.ndarray
        float [height, width], 0-1, over the original.
    method : str
        The method's title.
    layers : sequence of str
        The explained layers; several are drawn as the sum of their maps.
    members : mapping of str to numpy.ndarray, optional
        Each member's map, in the same form, by its name.
    """
    members = members or {}
    rows = 1 + -(-len(members) // 3)
    figure = Figure((11.4, 4.3 * rows), layout="constrained")
    axes = figure.subplots(rows, 3, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (name, member_heat) in zip(axes[3:], members.items()):
        axis.imshow(overlay(frame.image, member_heat))
        axis.set_title(name)
    height, width = heat.shape
    axes[0].imshow(frame.image)
    axes[0].set_title(f"the cell, {width} x {height} pixels")
    axes[1].imshow(heat, cmap=COLOURS, vmin=0, vmax=1)
    if frame.mask.any():
        axes[1].contour(frame.mask, levels=[0.5], colors="white", linewidths=0.7)
    title = f"{method}: what supports {LABEL_NAMES[frame.prediction.prediction]}"
    axes[1].set_title("\n".join([title, *([plain("of " + " + ".join(layers))] if layers else [])]), fontsize=8)
    axes[2].imshow(overlay(frame.image, heat))
    axes[2].set_title(heat_text(frame, heat).replace("; ", "\n"), fontsize=8)
    bar = figure.colorbar(ScalarMappable(cmap=COLOURS), ax=axes, shrink=0.85, pad=0.01)
    bar.set_label("share of the map's maximum")
    figure.suptitle(plain(f"{Path(frame.prediction.path).name}: {prediction_text(frame.prediction)}"), fontsize=11)
    return figure


def thumb(picture: np.ndarray, box: tuple[int, int, int, int], side: int = THUMB) -> np.ndarray:
    """Return the network's window on a picture, float [h, w, 3] of 0-1, as uint8 [side, side, 3]."""
    top, left, height, width = box
    framed = picture[max(top, 0) : top + height, max(left, 0) : left + width].astype("float32")
    return (255 * cv2.resize(framed, (side, side), interpolation=cv2.INTER_AREA)).astype("uint8")


def framed(picture: np.ndarray) -> np.ndarray:
    """Return a picture with a red frame inside its border: uint8 [h, w, 3]."""
    red = tuple(round(255 * share) for share in to_rgb(RED))
    return cv2.rectangle(picture.copy(), (1, 1), (picture.shape[1] - 2, picture.shape[0] - 2), red, FRAME)


def draw_sheet(
    pictures: Sequence[tuple[str, np.ndarray]],
    columns: int = COLUMNS,
    title: str = "",
    heads: Sequence[str] = (),
    wrong: bool = False,
) -> Figure:
    """Draw a contact sheet: pictures row by row, a caption under each, and a colour bar.

    Parameters
    ----------
    pictures : sequence of tuple
        Caption, and uint8 [THUMB, THUMB, 3], as from `thumb`.
    columns : int
        Pictures a row.
    title : str
        Over the sheet.
    heads : sequence of str
        Over the columns.
    wrong : bool
        Whether the cells are misclassified, which frames them in red.
    """
    rows, below = -(-len(pictures) // columns), 34
    wide, high = columns * (THUMB + GAP), rows * (THUMB + below)
    canvas = np.full((high, wide, 3), 255, np.uint8)
    figure = Figure((wide / 100 + 1.0, high / 100 + 0.7), facecolor="white")
    axis = figure.add_axes((0.1 / (wide / 100 + 1), 0, wide / 100 / (wide / 100 + 1), high / 100 / (high / 100 + 0.7)))
    for place, (caption, picture) in enumerate(pictures):
        top, left = place // columns * (THUMB + below), place % columns * (THUMB + GAP)
        canvas[top : top + THUMB, left : left + THUMB] = framed(picture) if wrong else picture
        lines = plain(textwrap.fill(caption, CAPTION, break_long_words=True))
        axis.text(left + THUMB / 2, top + THUMB + 2, lines, fontsize=5.5, ha="center", va="top", color=INK)
    for place, head in enumerate(heads):
        axis.text(place * (THUMB + GAP) + THUMB / 2, -4, plain(head), fontsize=8, ha="center", va="bottom", color=INK)
    axis.imshow(canvas, interpolation="none")
    axis.set_axis_off()
    side = figure.add_axes((1 - 0.75 / (wide / 100 + 1), 0.15, 0.12 / (wide / 100 + 1), 0.6))
    figure.colorbar(ScalarMappable(cmap=COLOURS), cax=side).ax.tick_params(labelsize=6)
    side.set_title("heat", fontsize=7)
    figure.suptitle(plain(title), fontsize=10)
    return figure
