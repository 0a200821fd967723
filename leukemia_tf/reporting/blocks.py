"""What a page consists of: sections of text, figures, tables and galleries, as plain records.

`render_page` writes a page as HTML, `write_paper` its figures and tables as files. A command's page is one function
that returns a `Page`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from matplotlib.figure import Figure

from leukemia_tf.evaluation.scores import NO_INTERVAL


@dataclass(frozen=True)
class Text:
    """A paragraph; `lead`, in bold, begins it."""

    kind: ClassVar[str] = "text"
    text: str
    lead: str = ""


@dataclass(frozen=True)
class Code:
    """A command as it is typed."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Picture:
    """A figure.

    Parameters
    ----------
    name : str
        Of its files, and its anchor.
    figure : matplotlib.figure.Figure
        What is drawn.
    caption, alternative : str
        Below it; and in its place where it is not seen.
    wide : bool
        Whether it takes the whole width, and scrolls on a phone.
    """

    kind: ClassVar[str] = "picture"
    name: str
    figure: Figure
    caption: str
    alternative: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Parameters
    ----------
    name : str
        Of its files, and its anchor.
    caption : str
        Below it.
    titles : sequence of str
        Of its columns; none for a list of properties.
    rows : sequence of sequence of str
        The first text of each is the row's title.
    groups : sequence of (str, int)
        Titles between the rows, each with the number of rows below it; by default there are none.
    stacked : bool
        Whether each row becomes a short list on a phone; else the table scrolls there.
    """

    kind: ClassVar[str] = "table"
    name: str
    caption: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    groups: Sequence[tuple[str, int]] = ()
    stacked: bool = False

    @property
    def bodies(self) -> list[tuple[str, Sequence[Sequence[str]]]]:
        """The rows by group, each with its title."""
        bodies, start = [], 0
        for title, count in self.groups or [("", len(self.rows))]:
            bodies.append((title, self.rows[start : start + count]))
            start += count
        return bodies


@dataclass(frozen=True)
class Thumb:
    """A picture in a gallery.

    Parameters
    ----------
    source : str
        A data URI.
    width, height : int
        In pixels.
    alternative, caption : str
        In its place where it is not seen; and below it.
    wrong : bool
        Whether it is framed in red: a misclassified cell.
    """

    source: str
    width: int
    height: int
    alternative: str
    caption: str
    wrong: bool = False


@dataclass(frozen=True)
class Gallery:
    """Small pictures under a title; `small` ones are cells alone, without a heat map beside them."""

    kind: ClassVar[str] = "gallery"
    title: str
    thumbs: Sequence[Thumb]
    small: bool = False


@dataclass(frozen=True)
class Slider:
    """A histogram of probabilities with a threshold that a reader can move.

    Parameters
    ----------
    picture : Picture
        The histogram.
    data : mapping
        What the page's script computes from: see `threshold_slider`.
    """

    kind: ClassVar[str] = "slider"
    picture: Picture
    data: Mapping[str, Any]


Block = Text | Code | Picture | Table | Gallery | Slider


@dataclass(frozen=True)
class Section:
    """A heading with an anchor, and what is below it."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """What a report shows.

    Parameters
    ----------
    title, name, subtitle : str
        Of the browser's window; in the heading; below it.
    headline, details : str
        The first score, and which cells it is from.
    sections : list of Section
        In order.
    cautions : sequence of str
        What limits the validity of the scores.
    cautions_first : bool
        Whether these stand above the headline: they may say that no score can be relied on.
    about : mapping of str to str
        What identifies the numbers.
    """

    title: str
    name: str
    subtitle: str
    headline: str
    details: str
    sections: Sequence[Section]
    cautions: Sequence[str] = ()
    cautions_first: bool = False
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def pictures(self) -> list[Picture]:
        """All figures, in order."""
        blocks = [block for section in self.sections for block in section.blocks]
        found = (block.picture if isinstance(block, Slider) else block for block in blocks)
        return [block for block in found if isinstance(block, Picture)]

    @property
    def tables(self) -> list[Table]:
        """All tables, in order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]

    @property
    def lacks_intervals(self) -> bool:
        """Whether one of the scores that are shown has no interval."""
        texts = [self.headline, self.details, *self.cautions]
        texts += [
            text for table in self.tables for text in (table.caption, *(text for row in table.rows for text in row))
        ]
        texts += [picture.caption for picture in self.pictures]
        texts += [block.text for part in self.sections for block in part.blocks if isinstance(block, Text)]
        return any(NO_INTERVAL in text for text in texts)


def section(anchor: str, title: str, *blocks: Block | None) -> Section:
    """Return a section of those blocks that there are."""
    return Section(anchor, title, [block for block in blocks if block is not None])
