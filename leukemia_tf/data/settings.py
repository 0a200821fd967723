"""How a picture becomes a cell: the settings of the preprocessing, checked, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

from leukemia_tf.errors import UserError, nearest

FRAMINGS = ("cell", "tight", "fixed", "centre", "none")
CONTRASTS = ("none", "clahe", "equalize", "grey-equalize", "stain")
BACKGROUND = 10  # of 255: a pixel with no channel above this is background
CACHES = ("auto", "memory", "disk", "none")
LARGEST_SIDE = 4096  # pixels
FIXED_SIDE = 330  # pixels: `fixed` without a number; nearly every cell of C-NMC fits


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a cell; travels inside `model.keras`.

    Parameters
    ----------
    image_size : int
        Side of the square that the network sees, in pixels.
    framing : str
        `cell` (the cell's box, padded to a square), `tight` (the box, stretched to a square), `fixed` or `fixed:N`
        (N x N pixels around the box's centre, so that the cell's size survives), `centre:N` (N x N pixels around the
        image's centre), or `none` (the whole image).
    contrast : str
        `none`; `clahe` or `equalize` (of the luma); `grey-equalize`; `stain` (colour statistics inside the cell
        moved to fixed ones).

    Raises
    ------
    UserError
        If a setting is none of these.
    """

    image_size: int
    framing: str = "cell"
    contrast: str = "none"

    def __post_init__(self) -> None:
        """Check the settings."""
        parse_framing(self.framing)
        if self.contrast not in CONTRASTS:
            raise UserError(f"--contrast {self.contrast}: {nearest(self.contrast, CONTRASTS)}")


def parse_framing(text: str) -> tuple[str, int]:
    """Return a framing's kind and its side in pixels (0 where it has none).

    Raises
    ------
    UserError
        If there is no such framing.
    """
    kind, colon, number = text.partition(":")
    if kind == "fixed" and not colon:
        return kind, FIXED_SIDE
    if kind in ("fixed", "centre"):
        if not number.isdecimal() or not 1 <= int(number) <= LARGEST_SIDE:
            raise UserError(f"--framing {text}: it needs 1 to {LARGEST_SIDE} pixels, as in `{kind}:{FIXED_SIDE}`.")
        return kind, int(number)
    if kind not in FRAMINGS or colon:
        raise UserError(f"--framing {text}: {nearest(kind, FRAMINGS)}")
    return kind, 0


def check_cache(cache: str) -> None:
    """Stop at an unknown place for prepared cells."""
    if cache not in CACHES:
        raise UserError(f"--cache {cache}: {nearest(cache, CACHES)}")
