"""What a picture of a cell says about how it was taken and stored: acquisition cues, measured one picture at a time."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import tensorflow as tf

from leukemia_tf.data.channel_shift import channel_shifts
from leukemia_tf.data.outline import piece_unlike, rim_colour
from leukemia_tf.data.preprocessing import BACKGROUND

EDGE = 5  # pixels: so near the outline nothing is measured
SMOOTHING = 3.0  # pixels: what is finer makes an outline rough
KINDS = {
    "bmp_54": "BMP, 54-byte header",
    "bmp_138": "BMP, 138-byte header",
    "bmp": "BMP, other header",
    "png": "PNG",
    "jpeg": "JPEG",
}
AREA = "area"  # of the cell, in pixels: biology and batch, so it is no cue


@dataclass(frozen=True)
class Cue:
    """One number that is measured of every picture.

    Parameters
    ----------
    title : str
        For people.
    unit : str
        Empty if it has none.
    in_pixels : bool
        Whether a network sees it; it does not see a file's header.
    """

    title: str
    unit: str = ""
    in_pixels: bool = True

    def __str__(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title


CUES = {
    "red_x": Cue("red against green, across", "px"),
    "red_y": Cue("red against green, down", "px"),
    "blue_x": Cue("blue against green, across", "px"),
    "blue_y": Cue("blue against green, down", "px"),
    "sharpness": Cue("sharpness"),  # mean absolute Laplacian over mean gradient, of green
    "noise": Cue("noise", "grey levels"),  # standard deviation, of green
    "background": Cue("background", "grey levels"),  # mean over the pixels outside
    "roughness": Cue("roughness of the mask"),  # its perimeter over that of the smoothed mask
    **{f"file_{kind}": Cue(f"file: {title}", "share", in_pixels=False) for kind, title in KINDS.items()},
}

_measured_shifts = tf.function(
    channel_shifts,
    input_signature=[tf.TensorSpec([None, None, 3], tf.uint8), tf.TensorSpec([None, None], tf.bool)],
    autograph=False,
)


def measure_acquisition(content: bytes, pixels: np.ndarray) -> Mapping[str, float]:
    """Measure the cues of one picture, and the area of its cell.

    Parameters
    ----------
    content : bytes
        The image file's.
    pixels : numpy.ndarray
        uint8 [height, width, 3], RGB.

    Returns
    -------
    dict
        A number by the name of each of `CUES`, and `area` in pixels; NaN where it cannot be measured.
    """
    mask = outline(pixels)
    kind = file_kind(content)
    return {
        **dict.fromkeys(CUES, math.nan),
        "background": _background(pixels, mask),
        **{f"file_{name}": float(name == kind) for name in KINDS},
        **(_measure_cell(pixels, mask) if mask.any() else {AREA: math.nan}),
    }


def _measure_cell(pixels: np.ndarray, mask: np.ndarray) -> dict[str, float]:
    left, top, width, height = cv2.boundingRect(mask)
    part = slice(top, top + height), slice(left, left + width)
    cell, inside = np.ascontiguousarray(pixels[part]), mask[part]
    red, blue = _measured_shifts(cell, inside > 0).numpy().tolist()
    sharpness, noise = _sharpness_and_noise(cell, inside)
    return {
        **dict(zip(("red_x", "red_y", "blue_x", "blue_y"), (*red, *blue))),
        "sharpness": sharpness,
        "noise": noise,
        "roughness": _roughness(inside),
        AREA: float(cv2.countNonZero(mask)),
    }


def file_kind(content: bytes) -> str:
    """Return which of `KINDS` a sound image file is."""
    if content.startswith(b"BM"):
        offset = struct.unpack_from("<I", content, 10)[0]
        return f"bmp_{offset}" if f"bmp_{offset}" in KINDS else "bmp"
    return "jpeg" if content.startswith(b"\xff\xd8") else "png"


def outline(pixels: np.ndarray) -> np.ndarray:
    """Return the mask that a cell was cut out with: the largest piece that differs from the rim's colour, filled.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [height, width, 3], RGB.

    Returns
    -------
    numpy.ndarray
        uint8 [height, width]: 255 inside, else 0; on black, what is brighter than the preprocessing's background.
    """
    return piece_unlike(pixels, rim_colour(pixels), BACKGROUND)


def _sharpness_and_noise(cell: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Measure green inside the cell; noise as Immerkær 1996, Computer Vision and Image Understanding 64:300-302."""
    side = 2 * EDGE + 1
    inner = cv2.erode(inside, np.ones((side, side), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    if not inner.any():
        return math.nan, math.nan
    green = cell[..., 1].astype(np.float32)
    second = np.array([1, -2, 1], np.float32)
    noise = math.sqrt(math.pi / 2) / 6 * np.abs(cv2.sepFilter2D(green, -1, second, second))[inner].mean()
    smooth = cv2.GaussianBlur(green, (0, 0), 1.0)
    gradient = cv2.magnitude(*(cv2.Sobel(smooth, -1, *order, scale=1 / 8) for order in ((1, 0), (0, 1))))[inner].mean()
    laplacian = np.abs(cv2.Laplacian(smooth, -1))[inner].mean()
    return (float(laplacian / gradient) if gradient > 0 else math.nan), float(noise)


def _background(pixels: np.ndarray, mask: np.ndarray) -> float:
    side = 2 * EDGE + 1
    outside = cv2.bitwise_not(cv2.dilate(mask, np.ones((side, side), np.uint8)))
    return sum(cv2.mean(pixels, outside)[:3]) / 3 if outside.any() else math.nan


def _roughness(inside: np.ndarray) -> float:
    reach = math.ceil(3 * SMOOTHING)
    mask = cv2.copyMakeBorder(inside, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    smooth = cv2.GaussianBlur(mask, (0, 0), SMOOTHING)
    length = _perimeter(smooth)
    return _perimeter(mask) / length if length > 0 else math.nan


def _perimeter(mask: np.ndarray) -> float:
    half = cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1]
    contours = cv2.findContours(half, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    return max((cv2.arcLength(contour, True) for contour in contours), default=0.0)
