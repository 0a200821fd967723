"""The light that a stained smear lets through, and where it is stained as chromatin is."""

from __future__ import annotations

import cv2
import numpy as np

BRIGHTEST = 0.1  # the share of a picture's pixels whose median colour is that of the empty glass
SMOOTH = 0.8  # pixels: the deviation of the Gaussian that removes the camera's noise


def glass_colour(pixels: np.ndarray) -> np.ndarray:
    """Return the colour of the empty glass, the white of the white balance: the median of the brightest pixels.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [h, w, 3], RGB.

    Returns
    -------
    numpy.ndarray
        float64 [3], 1-255.
    """
    brightness = cv2.transform(pixels, np.full((1, 3), 1 / 3))
    counts = np.bincount(brightness.ravel(), minlength=256)
    level = int(np.searchsorted(np.cumsum(counts), (1 - BRIGHTEST) * counts.sum()))
    return np.maximum(np.median(pixels[brightness >= level], axis=0), 1)


def transmitted(pixels: np.ndarray) -> np.ndarray:
    """Return the share of the light that passes in each channel: uint8 [h, w, 3] -> uint8 [h, w, 3], 255 for glass."""
    table = np.arange(256)[:, None] * 255 / glass_colour(pixels)
    tables = np.clip(np.rint(table), 0, 255).astype(np.uint8)[:, None]
    return cv2.LUT(cv2.GaussianBlur(pixels, (0, 0), SMOOTH), tables)


def saturation(light: np.ndarray) -> np.ndarray:
    """Return how coloured each pixel is, as HSV's saturation: uint8 [h, w, 3] -> uint8 [h, w]."""
    red, green, blue = cv2.split(light)
    least, most = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    return cv2.bitwise_not(cv2.divide(least, np.maximum(most, 1), scale=255))


def chromatin(light: np.ndarray) -> np.ndarray:
    """Return how much each pixel is stained as chromatin is: coloured, and dark in red light.

    The thiazine dyes of Romanowsky stains absorb red light and bind to DNA; haemoglobin and eosin let red light pass.

    Parameters
    ----------
    light : numpy.ndarray
        uint8 [h, w, 3], as from `transmitted`.

    Returns
    -------
    numpy.ndarray
        uint8 [h, w], 0-255.
    """
    absorbed = np.clip(-np.log(np.maximum(np.arange(256), 1) / 255), 0, 1)  # optical density, at most 1
    density = cv2.LUT(light[..., 0], np.rint(absorbed * 255).astype(np.uint8))
    return cv2.multiply(saturation(light), density, scale=1 / 255)
