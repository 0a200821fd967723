"""How a picture becomes a cell: the settings of the preprocessing, checked, without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leukemia_tf.core.errors import ArgumentError, nearest

FRAMINGS = ("cell", "tight", "fixed", "centre", "none")
CONTRASTS = ("none", "clahe", "equalize", "grey-equalize")
STAIN_NORMALIZATIONS = ("none", "reinhard")
BACKGROUND = 10  # of 255: a pixel with no channel above this is background
CACHES = ("auto", "memory", "disk", "none")
LARGEST_SIDE = 4096  # pixels
EMBEDDED_SIZE = 96  # pixels: enough for the phantom cells, and minutes on two cores
FIXED_SIDE = 330  # pixels: `fixed` without a number; nearly every cell of C-NMC fits


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a cell; stored in `model.keras`.

    Parameters
    ----------
    image_size : int
        Side of the network's square input, in pixels.
    framing : str
        `cell` (the cell's box, padded to a square), `tight` (the box, stretched to a square), `fixed` or `fixed:N`
        (N x N pixels around the box's centre, so that the cell's size survives), `centre:N` (N x N pixels around the
        image's centre), or `none` (the whole image).
    contrast : str
        `none`; `clahe` or `equalize` (of the luma); or `grey-equalize`. It comes after the stain normalisation.
    stain_normalization : str
        `none`, or `reinhard`: the colours inside the cell get a fixed mean and standard deviation.
    register_channels : bool
        Whether red and blue are moved onto green inside the cell, by their measured displacement, before all else.

    Raises
    ------
    ArgumentError
        If a setting is none of these.
    """

    image_size: int
    framing: str = "cell"
    contrast: str = "none"
    stain_normalization: str = "none"
    register_channels: bool = False

    def __post_init__(self) -> None:
        """Check the settings."""
        parse_framing(self.framing)
        for name, choices in (("contrast", CONTRASTS), ("stain_normalization", STAIN_NORMALIZATIONS)):
            if getattr(self, name) not in choices:
                raise ArgumentError(name, getattr(self, name), nearest(getattr(self, name), choices))


def stored_preprocessing(settings: Mapping[str, Any]) -> Preprocessing:
    """Return the preprocessing stored with a network; older networks store stain normalisation as a contrast."""
    if settings.get("contrast") == "stain":
        settings = {**settings, "contrast": "none", "stain_normalization": "reinhard"}
    return Preprocessing(**settings)


def parse_framing(text: str) -> tuple[str, int]:
    """Return a framing's kind and its side in pixels (0 where it has none).

    Raises
    ------
    ArgumentError
        If there is no such framing.
    """
    kind, colon, number = text.partition(":")
    if kind == "fixed" and not colon:
        return kind, FIXED_SIDE
    if kind in ("fixed", "centre"):
        if not number.isdecimal() or not 1 <= int(number) <= LARGEST_SIDE:
            raise ArgumentError("framing", text, f"it needs 1 to {LARGEST_SIDE} pixels, as in {kind}:{FIXED_SIDE}.")
        return kind, int(number)
    if kind not in FRAMINGS or colon:
        raise ArgumentError("framing", text, nearest(kind, FRAMINGS))
    return kind, 0


def check_cache(cache: str) -> None:
    """Raise an `ArgumentError` at an unknown place for prepared cells."""
    if cache not in CACHES:
        raise ArgumentError("cache", cache, nearest(cache, CACHES))
