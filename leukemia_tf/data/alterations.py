"""The table of alterations by which `stress` tests whether a network looks at the cell: one record each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from leukemia_tf.data import alterations_keeping as keeping
from leukemia_tf.data import alterations_removing as removing
from leukemia_tf.data.cell_picture import CellPicture

KEEPS, REMOVES = "keeps", "removes"


@dataclass(frozen=True)
class Amounts:
    """How far cells are altered where that depends on the data.

    Parameters
    ----------
    area : float
        The one size of all cells, in pixels.
    brightness : float
        Standard deviation between patients of a cell's mean grey level, 0-255.
    haematoxylin : float
        Standard deviation between patients of the logarithm of a cell's mean haematoxylin.
    """

    area: float
    brightness: float
    haematoxylin: float


@dataclass(frozen=True)
class Alteration:
    """One way to alter a picture.

    Parameters
    ----------
    name : str
        In stress.json, tables and figures.
    kind : str
        `keeps`: it must keep the answer. `removes`: it takes away what may carry the answer.
    alter : callable
        A cell and the amounts -> uint8 [h, w, 3]; the picture may grow.
    left : str
        Of what it leaves, where it removes something.
    """

    name: str
    kind: str
    alter: Callable[[CellPicture, Amounts], np.ndarray]
    left: str = ""


ALTERATIONS = (
    Alteration("turned by 90 degrees", KEEPS, lambda cell, _: keeping.turned(cell, 1)),
    Alteration("turned by 180 degrees", KEEPS, lambda cell, _: keeping.turned(cell, 2)),
    Alteration("turned by 270 degrees", KEEPS, lambda cell, _: keeping.turned(cell, 3)),
    Alteration("mirrored", KEEPS, lambda cell, _: keeping.mirrored(cell)),
    Alteration("upside down", KEEPS, lambda cell, _: keeping.upside_down(cell)),
    Alteration("transposed", KEEPS, lambda cell, _: keeping.transposed(cell)),
    Alteration("anti-transposed", KEEPS, lambda cell, _: keeping.anti_transposed(cell)),
    Alteration("rotated by 10 degrees", KEEPS, lambda cell, _: keeping.rotated(cell, 10)),
    Alteration("JPEG of quality 75", KEEPS, lambda cell, _: keeping.jpeg(cell, 75)),
    Alteration("blurred by 1 pixel", KEEPS, lambda cell, _: keeping.blurred(cell, 1)),
    Alteration("noise of 3 grey levels", KEEPS, lambda cell, _: keeping.noisy(cell, 3)),
    Alteration("brighter", KEEPS, lambda cell, amounts: keeping.brightened(cell, amounts.brightness)),
    Alteration("darker", KEEPS, lambda cell, amounts: keeping.brightened(cell, -amounts.brightness)),
    Alteration("more haematoxylin", KEEPS, lambda cell, amounts: keeping.restained(cell, amounts.haematoxylin)),
    Alteration("less haematoxylin", KEEPS, lambda cell, amounts: keeping.restained(cell, -amounts.haematoxylin)),
    Alteration("channels shifted by half a pixel", KEEPS, lambda cell, _: keeping.channels_shifted(cell, 0.5)),
    Alteration("mask grown by 4 pixels", KEEPS, lambda cell, _: keeping.grown(cell, 4)),
    Alteration("mask shrunk by 4 pixels", KEEPS, lambda cell, _: keeping.shrunk(cell, 4)),
    Alteration("rim of background, 4 pixels", KEEPS, lambda cell, _: keeping.with_background_rim(cell, 4)),
    Alteration(
        "inside filled with its mean", REMOVES, lambda cell, _: removing.filled(cell), "size, outline and mean colour"
    ),
    Alteration(
        "scaled to one size",
        REMOVES,
        lambda cell, amounts: removing.scaled_to(cell, amounts.area),
        "texture, colours and shape without size",
    ),
    Alteration(
        "a disc of one size",
        REMOVES,
        lambda cell, amounts: removing.disc(cell, amounts.area),
        "texture and colours of the middle, without size or outline",
    ),
    Alteration("greyscale", REMOVES, lambda cell, _: removing.grey(cell), "all but colour"),
    Alteration(
        "only the rim of 6 pixels", REMOVES, lambda cell, _: removing.only_rim(cell, 6), "size, outline and the rim"
    ),
    Alteration(
        "pixels shuffled", REMOVES, lambda cell, _: removing.shuffled(cell), "size, outline and the colours' histogram"
    ),
)


def altered(cell: CellPicture, amounts: Amounts) -> Iterator[np.ndarray]:
    """Yield a picture under each of `ALTERATIONS`: uint8 [h, w, 3] each. One without a cell stays as it is."""
    there = cell.mask.any()
    for alteration in ALTERATIONS:
        yield alteration.alter(cell, amounts) if there else cell.pixels


def measure(cell: CellPicture) -> tuple[float, float, float]:
    """Return a cell's area in pixels, mean grey level and logarithm of its mean haematoxylin; NaN without a cell."""
    if not cell.mask.any():
        return np.nan, np.nan, np.nan
    haematoxylin = float(keeping.stain_amounts(cell.colours)[:, 0].mean())
    return float(cell.mask.sum()), float(cell.colours.mean()), float(np.log(max(haematoxylin, 1e-3)))
