"""The outline of a cell around its nucleus: what the colours say of each pixel, and the best closed curve for that.

Two histograms of colours, inside the outline and outside of it, say for each pixel how likely it is part of the cell,
and the outline that fits them best gives the next histograms: as GrabCut (Rother, Kolmogorov & Blake 2004), with a
curve around the nucleus in place of a graph cut. So a cell comes off the red cells that touch it.
"""

from __future__ import annotations

import cv2
import numpy as np

from leukemia_tf.data.segmentation_polar import RADII, Rays, closed_path

RADIUS = 24  # pixels: a larger nucleus is made smaller to this radius, so that the work does not grow with the picture
REACH = 3.6  # times the nucleus's radius: how far a cell reaches
START = 0.35  # times the nucleus's radius: the width of the first guess of the cytoplasm
ROUNDS = 4
BINS = 14  # of each channel
DARKEST = (104, 77, 115)  # of 255 in red, green and blue: darker pixels share the last bin
SPREAD = np.array([1, 4, 6, 4, 1]) / 16  # of a pixel over the bins beside its colour
ENOUGH = 6.0  # times the nucleus's area: what a tight crop lacks of so many pixels around the cell counts as glass
LIKELIER = 2.0  # a colour is the first guess's only where it is so many times as frequent there as outside
RARE = 3e-3  # of all pixels: rarer colours say little
LIMIT = 3.0  # of the logarithm of the ratio of likelihoods, so that no pixel outvotes all others
EDGE = 1.5  # weight of a step in colour against the likelihoods
BEND = 1.0  # weight of a smooth outline
ALWAYS = 1e3  # cost of an outline inside the nucleus

Window = tuple[slice, slice]


def window_around(box: tuple[int, int, int, int], radius: float, shape: tuple[int, ...]) -> Window:
    """Return the rows and columns of a picture that a cell can reach.

    Parameters
    ----------
    box : tuple of int
        Of the nucleus: x, y, width, height.
    radius : float
        Of the nucleus, in pixels.
    shape : tuple of int
        Of the picture: height, width.
    """
    x, y, width, height = box
    margin = round(REACH * radius)
    rows = slice(max(0, y - margin), min(shape[0], y + height + margin))
    return rows, slice(max(0, x - margin), min(shape[1], x + width + margin))


def cell_outline(light: np.ndarray, nucleus: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the cell around a nucleus.

    Parameters
    ----------
    light : numpy.ndarray
        uint8 [h, w, 3], as from `transmitted`, cut to the cell's window.
    nucleus, others : numpy.ndarray
        uint8 [h, w], 0 or 1: the cell's nucleus, which may be of several pieces, and the nuclei of other cells.

    Returns
    -------
    numpy.ndarray
        uint8 [h, w], 0 or 1.
    """
    height, width = nucleus.shape
    scale = min(1.0, RADIUS / _radius(nucleus))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        light = cv2.resize(light, size, interpolation=cv2.INTER_AREA)
        nucleus, others = (cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST) for mask in (nucleus, others))
    stretch = np.array([width / size[0], height / size[1]])
    return filled((_fit(light, nucleus, others) + 0.5) * stretch - 0.5, (height, width))


def filled(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a polygon's inside: float [n, 2], x and y -> uint8 [h, w], 0 or 1."""
    mask = np.zeros(shape, np.uint8)
    return cv2.fillPoly(mask, [np.rint(points * 16).astype(np.int32)], 1, shift=4)


def _fit(light: np.ndarray, nucleus: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the points of the best outline in a small window: float [ANGLES, 2], x and y."""
    colours, radius = _bins(light), _radius(nucleus)
    free = cv2.dilate(others, np.ones((3, 3), np.uint8), iterations=max(1, round(START * radius))) == 0
    rays = Rays.around(nucleus, nucleus, REACH * radius)
    points = rays.points(np.minimum(rays.last_of(nucleus) + START * radius / rays.spacing, RADII - 1))
    for number in range(ROUNDS):
        cell = filled(points, nucleus.shape)
        if number:  # seen from its centre a cell with its nucleus at one side is round, too
            rays = Rays.around(cell, nucleus, REACH * radius)
        around = colours[(cell == 0) & free]
        outside = _histogram(around, max(0.0, ENOUGH * np.pi * radius**2 - len(around)))
        within = _histogram(colours[(cell > 0) & (nucleus == 0) & (others == 0)])
        within = np.maximum(within - (0 if number else LIKELIER) * outside, 0)
        against = _against(colours, within / max(within.sum(), 1e-9), outside, nucleus, others)
        cost = np.cumsum(rays.sample(against, LIMIT / 6) * rays.areas, axis=1) - EDGE * rays.edges(light)
        cost[np.arange(RADII) < rays.last_of(nucleus)[:, None]] = ALWAYS
        path = closed_path(cost, BEND)
        points = rays.points(path, -1.0)
    return rays.points(path)


def _radius(mask: np.ndarray) -> float:
    return float(np.sqrt(cv2.countNonZero(mask) / np.pi))


def _against(
    colours: np.ndarray, within: np.ndarray, outside: np.ndarray, nucleus: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Return the logarithm of how much likelier each pixel is outside the cell: float32 [h, w]."""
    ratio = np.log((outside + RARE) / (within + RARE)).clip(-LIMIT, LIMIT).astype(np.float32)
    against = ratio[colours]
    against[others > 0] = LIMIT
    against[nucleus > 0] = -LIMIT
    return against


def _bins(light: np.ndarray) -> np.ndarray:
    """Return the colour's bin of each pixel, 0 for glass: uint8 [h, w, 3] -> int64 [h, w]."""
    number = np.zeros(light.shape[:2], np.int64)
    for channel, darkest in enumerate(DARKEST):
        table = np.minimum((255 - np.arange(256)) * BINS // (256 - darkest), BINS - 1)
        number = number * BINS + table[light[..., channel]]
    return number


def _histogram(colours: np.ndarray, glass: float = 0.0) -> np.ndarray:
    """Return the share of each bin, spread over its neighbours, with so many pixels of glass: float64 [BINS ** 3]."""
    counts = np.bincount(colours, minlength=BINS**3).astype(float)
    counts[0] += glass
    for _ in range(3):  # each time along another channel: the first one, which then becomes the last
        counts = cv2.sepFilter2D(
            counts.reshape(BINS, -1), cv2.CV_64F, np.ones(1), SPREAD, borderType=cv2.BORDER_REPLICATE
        )
        counts = counts.reshape(BINS, BINS, BINS).transpose(1, 2, 0)
    return counts.ravel() / max(counts.sum(), 1e-9)
