"""Alterations that must keep the answer: the same cell, photographed, turned, stored or cut out in another way.

What a microscope or a camera does (blur, noise, colours, displaced channels) comes before the cell is cut out: so the
mask stays. Blur and displacement also leave its two outermost pixels, which are mixed with black. A JPEG is made of the
whole picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from leukemia_tf.data.augmentation import stored_as_jpeg
from leukemia_tf.data.cell_picture import CellPicture, as_pixels
from leukemia_tf.data.step_augmentation import FROM_DENSITY, TO_DENSITY

PALEST = 99  # percentile of each channel inside the cell: the colour of a rim of background


def turned(cell: CellPicture, quarters: int) -> np.ndarray:
    """Turn the picture counter-clockwise by quarters of a turn."""
    return np.ascontiguousarray(np.rot90(cell.pixels, quarters))


def mirrored(cell: CellPicture) -> np.ndarray:
    """Swap left and right."""
    return np.ascontiguousarray(cell.pixels[:, ::-1])


def upside_down(cell: CellPicture) -> np.ndarray:
    """Swap top and bottom."""
    return np.ascontiguousarray(cell.pixels[::-1])


def transposed(cell: CellPicture) -> np.ndarray:
    """Swap rows and columns."""
    return np.ascontiguousarray(cell.pixels.transpose(1, 0, 2))


def anti_transposed(cell: CellPicture) -> np.ndarray:
    """Swap rows and columns about the other diagonal."""
    return np.ascontiguousarray(cell.pixels[::-1, ::-1].transpose(1, 0, 2))


def rotated(cell: CellPicture, degrees: float) -> np.ndarray:
    """Rotate the cell counter-clockwise about the middle of its box (bilinear)."""
    reach = max(cell.box[2:]) / 2
    cell = cell.with_room(int(np.ceil(reach * abs(np.sin(np.radians(degrees))))) + 1)
    top, left, height, width = cell.box
    centre = (left + (width - 1) / 2, top + (height - 1) / 2)
    return _warped(cell, cv2.getRotationMatrix2D(centre, degrees, 1.0))


def jpeg(cell: CellPicture, quality: int) -> np.ndarray:
    """Store the whole picture as a JPEG (chroma at half resolution, as usual), and read it again."""
    return stored_as_jpeg(cell.pixels, quality)


def blurred(cell: CellPicture, sigma: float) -> np.ndarray:
    """Blur the cell by a Gaussian of `sigma` pixels; nothing of the black around it comes in."""
    values = cv2.GaussianBlur(cell.core_extended, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return cell.recoloured(values[cell.core], cell.core)


def noisy(cell: CellPicture, deviation: float) -> np.ndarray:
    """Add Gaussian noise of so many grey levels to each channel of each pixel of the cell."""
    noise = np.random.default_rng(cell.seed).normal(0, deviation, cell.colours.shape)
    return cell.recoloured(cell.colours + noise)


def brightened(cell: CellPicture, levels: float) -> np.ndarray:
    """Add grey levels to each channel inside the cell."""
    return cell.recoloured(cell.colours + float(levels))


def restained(cell: CellPicture, log_factor: float) -> np.ndarray:
    """Multiply the haematoxylin of each pixel of the cell by exp(log_factor); Ruifrok & Johnston 2001."""
    stains = stain_amounts(cell.colours)
    stains[..., 0] *= np.exp(log_factor)
    return cell.recoloured(256 * np.exp(-stains @ TO_DENSITY) - 1)


def stain_amounts(pixels: np.ndarray) -> np.ndarray:
    """Return the amounts of haematoxylin, eosin and the rest: uint8 [..., 3] -> float32 [..., 3], in optical density.

    As `leukemia_tf.data.augmentation` separates them.
    """
    return -np.log((pixels.astype(np.float32) + 1) / 256) @ FROM_DENSITY


def channels_shifted(cell: CellPicture, pixels: float) -> np.ndarray:
    """Displace blue to the right and red down against green, as cameras do; the mask stays.

    Sub-pixel values are Keys' cubic convolution (1981, doi:10.1109/TASSP.1981.1163711): unlike a bilinear one it hardly
    blurs, so that the displacement is measured.
    """
    values = cell.core_extended.astype(np.float32)
    red, green, blue = values[..., 0], values[..., 1], values[..., 2]
    moved = (shifted(red, pixels, 0), green, shifted(blue, pixels, 1))
    return cell.recoloured(np.stack([channel[cell.core] for channel in moved], axis=-1), cell.core)


def shifted(values: np.ndarray, pixels: float, axis: int) -> np.ndarray:
    """Shift values along an axis by up to a pixel: float [h, w] -> the same; the border's values go on beyond it."""
    share = 1 - pixels
    weights = (
        ((-0.5 * share + 1) * share - 0.5) * share,
        (1.5 * share - 2.5) * share**2 + 1,
        ((-1.5 * share + 2) * share + 0.5) * share,
        (0.5 * share - 0.5) * share**2,
    )
    padded = np.pad(values, [(2, 1) if each == axis else (0, 0) for each in range(values.ndim)], "edge")
    count = values.shape[axis]
    taps = np.stack([np.take(padded, range(start, start + count), axis) for start in range(4)])
    return np.tensordot(np.array(weights, padded.dtype), taps, 1)


def grown(cell: CellPicture, pixels: int) -> np.ndarray:
    """Widen the mask; the rim has the colour of the nearest pixel of the core, since what was there is black."""
    cell = cell.with_room(pixels)
    rim = (cell.distance <= pixels) & ~cell.core
    return cell.recoloured(cell.core_extended[rim], rim)


def shrunk(cell: CellPicture, pixels: int) -> np.ndarray:
    """Narrow the mask: black comes in from the outline. A cell that would vanish stays as it is."""
    left = cell.depth > pixels
    return np.where(left[..., None], cell.pixels, np.uint8(0)) if left.any() else cell.pixels


def with_background_rim(cell: CellPicture, pixels: int) -> np.ndarray:
    """Put a rim around the cell, as pale as its palest hundredth: plasma that was cut out with it."""
    cell = cell.with_room(pixels)
    palest = np.percentile(cell.colours, PALEST, axis=0)
    rim = (cell.distance <= pixels) & ~cell.core
    return cell.recoloured(np.where(cell.mask[rim][:, None], cell.core_extended[rim], palest), rim)


def _warped(cell: CellPicture, matrix: np.ndarray) -> np.ndarray:
    """Map the cell by an affine matrix, [2, 3], onto black; the colours at its outline mix with no black."""
    size = cell.mask.shape[::-1]
    colours = cv2.warpAffine(cell.extended, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(cell.mask.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    return as_pixels(np.where((share >= 0.5)[..., None], colours, 0))
