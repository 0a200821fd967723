"""From a page's blocks to one HTML file that needs no network; and the template of the model card."""

from __future__ import annotations

import base64
import io
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from leukemia_tf.core.files import write_atomically
from leukemia_tf.core.version import __version__
from leukemia_tf.evaluation.plots import fix_layout
from leukemia_tf.evaluation.scores import NO_INTERVAL, NO_INTERVAL_REASON
from leukemia_tf.reporting.blocks import Page, Picture

DPI = 150  # of what is drawn as pixels inside a figure
SVG: dict[Any, Any] = {"svg.hashsalt": "leukemia_tf", "svg.fonttype": "path"}  # the same bytes each time; no font
TEMPLATES = Path(__file__).parent / "templates"


def write_page(path: Path, page: Page) -> Path:
    """Write a page as one HTML file, atomically."""
    return write_text(path, render_page(page))


def write_text(path: Path, text: str) -> Path:
    """Write a text file, atomically; letters that UTF-8 lacks become question marks."""
    return write_atomically(path, lambda scratch: scratch.write_text(text, encoding="utf-8", errors="replace"))


def render_page(page: Page) -> str:
    """Return a page as HTML: figures and tables numbered, sections listed, a footnote where a score has no interval."""
    numbers = {picture.name: number for number, picture in enumerate(page.pictures, start=1)}
    tables = {table.name: number for number, table in enumerate(page.tables, start=1)}
    return _template("page.html").render(
        page=page, numbers=numbers, table_numbers=tables, reason=NO_INTERVAL_REASON, version=__version__
    )


def render_card(**values: Any) -> str:
    """Fill the model card's template with its variables."""
    return _template("model_card.md").render(**values)


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG: letters as outlines, many points as pixels."""
    stream = io.BytesIO()
    fix_layout(figure)
    with mpl.rc_context(SVG):
        figure.savefig(stream, format="svg", dpi=DPI, metadata={"Date": None})
    return stream.getvalue()


def picture_source(pixels: np.ndarray) -> str:
    """Return a picture as a data URI: uint8 [h, w, 3], RGB."""
    return _data_uri("jpeg", cv2.imencode(".jpg", pixels[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 85))[1].tobytes())


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"noted": _noted, "source": _source, "size": _size, "plot_span": _plot_span}
    return environment.get_template(name)


def _noted(text: str) -> Markup:
    """Return a text with a link from each score without an interval to the footnote that says why."""
    link = Markup('<a href="#no-interval" class="note" aria-label="why there is no interval">†</a>')
    return escape(text).replace(NO_INTERVAL, NO_INTERVAL + link)


def _source(picture: Picture) -> str:
    return _data_uri("svg+xml", svg(picture.figure))


def _size(picture: Picture) -> tuple[int, int]:
    width, height = (round(inches * 96) for inches in picture.figure.get_size_inches())
    return width, height


def _plot_span(picture: Picture) -> list[float]:
    """Return where a drawn figure's axes begin and end, from the left and from the top, as shares of its size."""
    boxes = [axis.get_position() for axis in picture.figure.axes]
    ends = (min(box.x0 for box in boxes), max(box.x1 for box in boxes))
    return [*map(float, ends), 1 - max(float(box.y1) for box in boxes), 1 - min(float(box.y0) for box in boxes)]


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
