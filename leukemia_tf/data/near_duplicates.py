"""Near-duplicates: one cell photographed twice, turned, mirrored, or with other light or stain.

Each cell is unrolled around its centroid, angle by radius, at a scale given by its size. The magnitudes of the Fourier
transform along the angle do not change when the cell turns: they select candidate pairs. The highest correlation over
all turns, mirrored or not, then decides whether two pictures show one cell.
"""

from __future__ import annotations

import cv2
import numpy as np

ANGLES, RADII = 64, 16
REACH = 1.15  # times the radius of a disc of the cell's area
SIMILAR = 0.94  # correlation: different cells stay below 0.935, in C-NMC's and in phantoms
CANDIDATE = 0.97  # cosine of the magnitudes: pairs above SIMILAR have at least this
ROWS = 512  # at a time, to bound the memory


def unroll(grey: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return a cell's polar view.

    Parameters
    ----------
    grey : numpy.ndarray
        uint8 [h, w].
    cell : numpy.ndarray
        uint8 [h, w]: 255 inside the cell, else 0.

    Returns
    -------
    numpy.ndarray
        float16 [ANGLES, RADII]: grey levels, standardised inside the cell; zeros where there is no cell, or one too
        small or too even to compare.
    """
    nothing = np.zeros((ANGLES, RADII), np.float16)
    left, top, width, height = cv2.boundingRect(cell)
    part = slice(top, top + height), slice(left, left + width)
    cell, grey = cell[part], cv2.bitwise_and(grey[part], cell[part])
    moments = cv2.moments(cell, binaryImage=True)
    radius = np.sqrt(moments["m00"] / np.pi)
    if radius < RADII:
        return nothing
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey, mask=cell))
    if deviation < 1:
        return nothing
    size = [max(1, round(side * RADII / radius)) for side in (width, height)]
    small, share = (cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) for image in (grey, cell))
    share /= 255
    standard = (small - mean * share) / deviation + 2 * share  # the background lies two deviations below the cell
    centre = [
        (moments[name] / moments["m00"] + 0.5) * after / before - 0.5
        for name, after, before in zip(("m10", "m01"), size, (width, height))
    ]
    flags = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    polar = cv2.warpPolar(standard, (RADII, ANGLES), centre, RADII * REACH, flags)
    return polar.astype(np.float16)


def near_duplicates(views: np.ndarray) -> list[tuple[int, int, float]]:
    """Find pairs of pictures that show the same cell.

    Parameters
    ----------
    views : numpy.ndarray
        float16 [n, ANGLES, RADII], as from `unroll`.

    Returns
    -------
    list of (int, int, float)
        Each pair's indices, the smaller first, and its correlation (SIMILAR to 1), the highest first.
    """
    spectra = np.concatenate([_spectra(views[i : i + ROWS]) for i in range(0, len(views), ROWS)] or [views])
    magnitudes = np.abs(spectra).reshape(len(views), ANGLES // 2 * RADII + RADII)
    magnitudes /= np.maximum(np.linalg.norm(magnitudes, axis=1, keepdims=True), 1e-9)
    pairs: list[tuple[int, int, float]] = []
    for start in range(0, len(views), ROWS):
        candidates = magnitudes[start : start + ROWS] @ magnitudes[start:].T >= CANDIDATE
        for row, others in enumerate(candidates):
            one, rest = start + row, np.flatnonzero(others[row + 1 :]) + start + row + 1
            similarity = _correlations(spectra[one], spectra[rest])
            pairs += [(one, int(rest[k]), float(similarity[k])) for k in np.flatnonzero(similarity >= SIMILAR)]
    return sorted(pairs, key=lambda pair: -pair[2])


def _spectra(views: np.ndarray) -> np.ndarray:
    """Transform along the angle, with each ring weighing as its area and each view as 1: complex64 [n, :, RADII]."""
    rings = views.astype(np.float32) * np.sqrt((np.arange(RADII, dtype=np.float32) + 0.5) / RADII)
    rings -= rings.mean((1, 2), keepdims=True)
    norm = np.linalg.norm(rings, axis=(1, 2), keepdims=True)
    rings = np.divide(rings, norm, out=np.zeros_like(rings), where=norm > 0)
    return np.fft.rfft(rings, axis=1).astype(np.complex64)


def _correlations(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the highest correlation of a view with each other one over all turns, mirrored or not: float [k]."""
    turned = [np.fft.irfft((side * others).sum(2), n=ANGLES, axis=1) for side in (one.conj(), one)]
    return np.maximum(*turned).max(1)
