"""Alterations that take away what may carry the answer, so that what is left shows what the network lives on."""

from __future__ import annotations

import cv2
import numpy as np

from leukemia_tf.data.cell_picture import CellPicture

DISC = 0.6  # of the radius of a disc of the typical area: nearly every cell holds a disc of that radius


def filled(cell: CellPicture) -> np.ndarray:
    """Fill the cell with its mean colour: outline, size and mean colour are left."""
    return cell.recoloured(cell.colours.mean(0))


def scaled_to(cell: CellPicture, area: float) -> np.ndarray:
    """Scale the cell to an area in pixels about the middle of its box; the picture grows where it must.

    The texture is scaled with it: averaged over areas where it gets smaller, bilinear where it gets larger.
    """
    factor = float(np.sqrt(area / cell.mask.sum()))
    top, left, height, width = cell.box
    part, size = (slice(top, top + height), slice(left, left + width)), (round(width * factor), round(height * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    colours = cv2.resize(cell.extended[part], size, interpolation=method)
    share = cv2.resize(cell.mask[part].astype(np.float32), size, interpolation=method)
    count = min(round(area), share.size)
    inside = np.zeros(share.shape, bool)
    inside.flat[np.argpartition(share, -count, axis=None)[-count:]] = True  # the pixels that are most of the cell
    sides = [max(old, new) for old, new in zip(cell.mask.shape, share.shape)]
    picture = np.zeros((*sides, 3), np.uint8)
    places = []
    for first, extent, old, new, side in zip((top, left), (height, width), cell.mask.shape, share.shape, sides):
        start = round((side - old) / 2 + first + (extent - new) / 2)
        places.append(slice(min(max(start, 0), side - new), min(max(start, 0), side - new) + new))
    picture[tuple(places)] = np.where(inside[..., None], colours, 0)
    return picture


def disc(cell: CellPicture, area: float) -> np.ndarray:
    """Cut out a disc around the cell's deepest pixel: neither outline nor size is left.

    Its radius is `DISC` of that of a disc of `area` pixels. Where a cell does not hold it, its nearest pixels go on.
    """
    row, column = np.unravel_index(np.argmax(cell.depth), cell.depth.shape)
    down, across = np.ogrid[: cell.mask.shape[0], : cell.mask.shape[1]]
    inside = (down - row) ** 2 + (across - column) ** 2 <= disc_radius(area) ** 2
    return np.where(inside[..., None], cell.core_extended, np.uint8(0))


def disc_radius(area: float) -> float:
    """Return the radius of the disc that is cut out of every cell, in pixels."""
    return DISC * float(np.sqrt(area / np.pi))


def grey(cell: CellPicture) -> np.ndarray:
    """Replace the colours by their luma."""
    return cell.recoloured(cv2.cvtColor(cell.colours[None], cv2.COLOR_RGB2GRAY)[0, :, None])


def only_rim(cell: CellPicture, pixels: int) -> np.ndarray:
    """Fill the cell with the mean colour of its inside, except for a rim."""
    inside = cell.mask & (cell.depth > pixels)
    return cell.recoloured(cell.pixels[inside].mean(0), inside) if inside.any() else cell.pixels


def shuffled(cell: CellPicture) -> np.ndarray:
    """Shuffle the cell's pixels: outline, size and the histogram of its colours are left."""
    return cell.recoloured(np.random.default_rng(cell.seed).permutation(cell.colours))
