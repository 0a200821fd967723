"""The templates of report and card, and a page of sections, numbered figures and tables that needs no network."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from leukemia_tf.evaluation.scores import NO_INTERVAL

DPI = 144
TEMPLATES = Path(__file__).parent / "templates"


class FigureText(NamedTuple):
    """What is written about a figure: the caption below it, and the text in its place where it is not seen."""

    caption: str
    alternative: str


class Contents:
    """What a template writes its sections, figures and tables with, so that they are numbered and listed.

    Parameters
    ----------
    figures : mapping of str to matplotlib.figure.Figure
        By name; missing ones are left out of the page.
    texts : mapping of str to FigureText
        By the same names.
    """

    def __init__(self, figures: Mapping[str, Figure], texts: Mapping[str, FigureText]) -> None:
        self.figures, self.texts = figures, texts
        self.sections: dict[str, str] = {}  # title by anchor
        self.counts: Counter[str] = Counter()

    def heading(self, anchor: str, title: str) -> Markup:
        """Return the heading of a section, which the list of contents will link to."""
        self.sections[anchor] = title
        return Markup('<h2 id="{}">{}</h2>').format(anchor, title)

    def number(self, kind: str) -> int:
        """Return the number of the next `Figure` or `Table`."""
        self.counts[kind] += 1
        return self.counts[kind]

    def figure(self, name: str, wide: bool = False) -> Markup:
        """Return a figure with its caption; nothing where there is no such figure. A wide one scrolls on a phone."""
        if name not in self.figures:
            return Markup("")
        figure, text, stream = self.figures[name], self.texts[name], io.BytesIO()
        figure.savefig(stream, dpi=DPI)
        width, height = (round(inches * 96) for inches in figure.get_size_inches())
        source = _data_uri("png", stream.getvalue())
        image = Markup('<img src="{}" alt="{}" width="{}" height="{}">')
        image = image.format(source, text.alternative, width, height)
        if wide:
            image = Markup('<div class="scroll" tabindex="0">{}</div>').format(image)
        caption = Markup("<figcaption><b>Figure {}.</b> {}</figcaption>").format(self.number("Figure"), text.caption)
        return Markup('<figure id="figure-{}">{}{}</figure>').format(name, image, caption)


def render_report(figures: Mapping[str, Figure], texts: Mapping[str, FigureText], **values: Any) -> str:
    """Fill the report's template.

    Parameters
    ----------
    figures : mapping of str to matplotlib.figure.Figure
        By name.
    texts : mapping of str to FigureText
        By the same names.
    **values
        All other variables of the templates.
    """
    contents = Contents(figures, texts)
    body = Markup(_template("report.html").render(contents=contents, **values))  # noqa: S704  a template of ours
    return _template("page.html").render(body=body, sections=contents.sections, **values)


def render_card(**values: Any) -> str:
    """Fill the model card's template with its variables."""
    return _template("model_card.md").render(**values)


def _template(name: str) -> Template:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(
        loader=loader, autoescape=select_autoescape(), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["noted"] = _noted
    return environment.get_template(name)


def _noted(text: str) -> Markup:
    """Return a score with a link from where it has no interval to the footnote that says why."""
    link = Markup('<a href="#no-interval" class="note" aria-label="why there is no interval">†</a>')
    return escape(text).replace(NO_INTERVAL, NO_INTERVAL + link)


def picture_source(pixels: np.ndarray) -> str:
    """Return a picture as a data URI: uint8 [h, w, 3], RGB."""
    return _data_uri("jpeg", cv2.imencode(".jpg", pixels[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 88))[1].tobytes())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
