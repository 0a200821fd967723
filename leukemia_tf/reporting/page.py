"""Templates of report.html, one file that needs no network, and of MODEL_CARD.md."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup
from matplotlib.figure import Figure

DPI = 144
TEMPLATES = Path(__file__).parent / "templates"


def render_report(figures: Mapping[str, Figure], alts: Mapping[str, str], **values: Any) -> str:
    """Fill the report's template.

    Parameters
    ----------
    figures : mapping of str to matplotlib.figure.Figure
        By name; the template leaves out missing ones.
    alts : mapping of str to str
        The alternative text of each figure.
    **values
        All other variables of the template.
    """
    return _template("report.html").render(figure=_figure_function(figures, alts), **values)


def render_card(**values: Any) -> str:
    """Fill the model card's template with its variables."""
    return _template("model_card.md").render(**values)


def _template(name: str) -> Template:
    loader = FileSystemLoader(TEMPLATES)
    environment = Environment(loader=loader, autoescape=select_autoescape(), undefined=StrictUndefined)
    return environment.get_template(name)


def _figure_function(figures: Mapping[str, Figure], alts: Mapping[str, str]) -> Callable[[str], Markup]:
    def figure(name: str) -> Markup:
        if name not in figures:
            return Markup("")
        stream = io.BytesIO()
        figures[name].savefig(stream, dpi=DPI)
        width, height = (round(inches * 96) for inches in figures[name].get_size_inches())
        markup = Markup('<figure><img src="{}" alt="{}" width="{}" height="{}"></figure>')
        return markup.format(_data_uri("png", stream.getvalue()), alts[name], width, height)

    return figure


def picture_source(pixels: np.ndarray) -> str:
    """Return a picture as a data URI: uint8 [h, w, 3], RGB."""
    return _data_uri("jpeg", cv2.imencode(".jpg", pixels[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 88))[1].tobytes())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
