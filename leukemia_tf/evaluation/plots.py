"""What figures share: the table of colours, axes, labels that do not overlap, and how a figure is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogFormatterSciNotation, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from leukemia_tf.core.files import write_atomically

PALETTE = {  # one meaning a colour, in every figure; distinct to people with any of the three kinds of colour blindness
    "all": "#8e4fa8",
    "hem": "#e69f00",
    "training": "#56b4e9",
    "validation": "#00414f",
    "wrong": "#c1121f",
    "reference": "#8a8a8a",
    "score": "#333333",
}
COLOURS = {label: PALETTE[label] for label in ("all", "hem")}
TRAIN, VAL, RED, GREY, INK = (PALETTE[key] for key in ("training", "validation", "wrong", "reference", "score"))
BAND = "#33333326"  # of an interval
# Things without a colour of their own, such as runs, differ in marker and dashes too.
SERIES: tuple[dict[str, Any], ...] = tuple(
    {"color": colour, "marker": marker, "ls": dashes, "ms": 4.5}
    for dashes, (colour, marker) in product(
        ("-", "--", ":"),
        (("#1b7837", "o"), ("#9c6b30", "s"), ("#d66ba0", "^"), ("#2f4fa2", "D"), ("#7fa650", "v"), ("#666666", "X")),
    )
)
SPIKE = 10.0  # times the median: a curve that rises higher is drawn on a log axis
OFFSETS = [  # of a label from its point, in points, the nearest first
    (radius * x, radius * y)
    for radius in (1.0, 1.8, 2.8, 4.0, 5.5, 7.5, 10.0)
    for x, y in ((5, 3), (5, -9), (-5, 3), (-5, -9), (0, 6), (0, -12), (8, -3), (-8, -3))
]


def save(figure: Figure, path: Path, texts: Mapping[str, str] | None = None) -> Path:
    """Write a figure as PNG, atomically, with text by keyword in the file's metadata."""
    metadata = dict(texts or {})
    fix_layout(figure)
    return write_atomically(path, lambda scratch: figure.savefig(scratch, dpi=120, format="png", metadata=metadata))


def fix_layout(figure: Figure) -> None:
    """Lay a figure out once and for all: Matplotlib would lay it out, and draw it, twice for each file."""
    engine = figure.get_layout_engine()
    if engine:
        engine.execute(figure)
        figure.set_layout_engine("none")


def plain(name: str) -> str:
    """Return a name from a file as text that a figure can draw: no formulas, no surrogates."""
    return name.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")


def axes(width: float = 5.0, height: float = 4.2, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Return a figure and its axes side by side; the width of one and the height are in inches."""
    figure = Figure((width * columns, height), layout="constrained")
    row = figure.subplots(1, columns, squeeze=False)[0]
    for axis in row:
        tidy(axis)
    return figure, list(row)


def tidy(axis: Axes) -> None:
    """Take away the frame's top and right side."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(colors=INK)


def integer_ticks(axis: Axes) -> None:
    """Put ticks of an x axis, such as epochs, on whole numbers only."""
    axis.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))


def log_x(axis: Axes) -> None:
    """Make the x axis logarithmic, with few enough labels not to overlap."""
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    subs = (1.0,) if high / low > 30 else (1.0, 2.0, 5.0) if high / low > 3 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    axis.xaxis.set_major_locator(LogLocator(10, subs, numticks=6))
    axis.xaxis.set_major_formatter(LogFormatterSciNotation(10, labelOnlyBase=False, minor_thresholds=(np.inf, np.inf)))
    axis.xaxis.set_minor_formatter(NullFormatter())


def log_where_spiked(axis: Axes, values: Sequence[float]) -> bool:
    """Make the y axis logarithmic where a few values would flatten the rest; return whether that is so."""
    positive = np.array([value for value in values if np.isfinite(value) and value > 0])
    spiked = len(positive) > 2 and len(positive) == np.isfinite(values).sum()  # a zero has no logarithm
    if not spiked or positive.max() < SPIKE * np.median(positive):
        return False
    axis.set_yscale("log")
    axis.set_ylabel(f"{axis.get_ylabel()} (log scale)")
    return True


def place_labels(
    axis: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    size: float = 7,
    others: Sequence[tuple[float, float]] = (),
) -> None:
    """Write a name beside each point where it covers no other name and no point, with a line where that is far.

    Call it last: later changes of the axis move points, not names.

    Parameters
    ----------
    axis : Axes
        With its limits and scales.
    points : sequence of (float, float)
        In the axis's units.
    names : sequence of str
        One a point.
    size : float
        Of the letters, in points.
    others : sequence of (float, float)
        Points without a name that no name covers either.
    """
    figure = axis.get_figure(root=True)
    if figure is not None:
        figure.draw_without_rendering()
    pixels = axis.transData.transform([*points, *others])
    taken = [Bbox.from_extents(x - 3, y - 3, x + 3, y + 3) for x, y in pixels]
    frame = axis.get_window_extent()
    for point, name in zip(points, names):
        note = axis.annotate(plain(name), point, (0, 0), textcoords="offset points", fontsize=size, color=INK)
        best = min(_places(note, taken, frame), key=lambda place: place[0])
        note.set_position(best[1])
        taken.append(best[2])
        if np.hypot(*best[1]) > 18:
            line = {"arrowstyle": "-", "color": GREY, "lw": 0.5, "shrinkA": 0, "shrinkB": 2}
            axis.annotate("", point, best[1], textcoords="offset points", arrowprops=line)


def _places(
    note: Annotation, taken: Sequence[Bbox], frame: Bbox
) -> Iterator[tuple[tuple[float, int], tuple[float, float], Bbox]]:
    """Yield how bad each place of a label is, the place, and its box in pixels."""
    for rank, (x, y) in enumerate(OFFSETS):
        note.set(position=(x, y), ha="left" if x > 0 else "right" if x < 0 else "center")
        box = note.get_window_extent()
        box = Bbox.from_extents(box.x0 - 1, box.y0 - 1, box.x1 + 1, box.y1 + 1)
        outside = not (frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)
        hidden = sum(box.overlaps(other) for other in taken)
        yield (hidden + 0.5 * outside, rank), (x, y), box
        if not hidden and not outside:
            return
