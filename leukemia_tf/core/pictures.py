"""Paths of pictures that a notebook shows as the pictures themselves."""

from __future__ import annotations

import base64
import html
from pathlib import Path

SHOWN = 12  # pictures of a list that a notebook shows


class Picture(type(Path())):  # type: ignore[misc]  # the platform's own class, which alone can be subclassed before 3.12
    """The path of a PNG; as the last line of a notebook's cell it shows the picture."""

    def _repr_png_(self) -> bytes | None:
        return self.read_bytes() if self.is_file() else None


class Pictures(list[Picture]):
    """Paths of PNGs; as the last line of a notebook's cell it shows the first dozen."""

    def _repr_html_(self) -> str:
        shown = [path for path in self[:SHOWN] if path.is_file()]
        more = f"<p>{len(self) - len(shown)} more</p>" if len(self) > len(shown) else ""
        return "".join(f'<img src="{_data(path)}" alt="{html.escape(path.name)}">' for path in shown) + more


def _data(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
