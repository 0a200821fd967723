"""Where a cell is in a picture: which pixels are brighter than the background, and its largest piece without holes."""

from __future__ import annotations

import cv2
import numpy as np

from leukemia_tf.data.preprocessing import BACKGROUND

SEGMENT_FIRST = "has no black background: segment it first, by `python -m leukemia_tf.segment`"
EVEN = 0.9  # of the outermost pixels: so many are of one colour where nothing but an even background is there
NEAR = 10  # of 255: so far apart are colours at most that count as one


def is_bright(pixels: np.ndarray) -> np.ndarray:
    """Return where a channel is above the background: uint8 [..., 3] -> bool [...]."""
    red, green, blue = (pixels[..., channel] > BACKGROUND for channel in range(3))  # ten times as fast as a maximum
    return red | green | blue


def largest_piece(inside: np.ndarray) -> np.ndarray:
    """Return the largest piece of a mask, without holes: uint8 [h, w], 0 or not -> uint8 [h, w], 0 or 255."""
    piece = np.zeros(inside.shape, np.uint8)
    outlines = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    if outlines:
        cv2.drawContours(piece, [max(outlines, key=cv2.contourArea)], -1, 255, cv2.FILLED)
    return piece


def rim_colour(pixels: np.ndarray) -> np.ndarray:
    """Return the median colour of a picture's outermost pixels: uint8 [h, w, 3] -> float64 [3]."""
    return np.median(_rim(pixels), axis=0)


def _rim(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def piece_unlike(pixels: np.ndarray, colour: np.ndarray, margin: int) -> np.ndarray:
    """Return the largest piece that differs from a colour by more than `margin` in a channel, without holes.

    Parameters
    ----------
    pixels : numpy.ndarray
        uint8 [h, w, 3].
    colour : numpy.ndarray
        float [3], 0-255.
    margin : int
        Grey levels.

    Returns
    -------
    numpy.ndarray
        uint8 [h, w], 0 or 255.
    """
    like = cv2.inRange(pixels, tuple((colour - margin).tolist()), tuple((colour + margin).tolist()))
    return largest_piece(cv2.bitwise_not(like))


def is_segmented(pixels: np.ndarray) -> bool:
    """Return whether a picture has a black background, by its outermost pixels: uint8 [h, w, 3]."""
    return bool(rim_colour(pixels).max() <= BACKGROUND)


def has_even_rim(pixels: np.ndarray) -> bool:
    """Return whether a picture's outermost pixels are of one colour, black or another: uint8 [h, w, 3]."""
    return bool((np.abs(_rim(pixels) - rim_colour(pixels)).max(-1) <= NEAR).mean() >= EVEN)
