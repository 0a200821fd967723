"""Near-duplicates: one cell photographed twice, or a copy that was turned, mirrored, recoloured, made smaller or JPEG.

Pictures are compared by their polar views. The magnitudes of the Fourier transform along the angle do not change when
the cell turns: they select candidate pairs. The highest correlation over all turns, mirrored or not, then decides
whether two pictures show one cell.
"""

from __future__ import annotations

import numpy as np

from leukemia_tf.data.cell_views import ANGLES, RADII

SIMILAR = 0.94  # correlation: different cells stay below 0.92, in C-NMC's and in phantoms
CANDIDATE = 0.955  # cosine of the magnitudes: pairs above SIMILAR have at least this
ROWS = 512  # at a time, to bound the memory
Pair = tuple[int, int, float]  # the indices of two pictures, and their correlation


def near_duplicates(views: np.ndarray) -> list[Pair]:
    """Find pairs of pictures that show the same cell.

    Parameters
    ----------
    views : numpy.ndarray
        int8 [n, ANGLES, RADII], as from `unroll`.

    Returns
    -------
    list of (int, int, float)
        Each pair's indices, the smaller first, and its correlation (SIMILAR to 1), the highest first.
    """
    spectra = _spectra(views)
    return _pairs(spectra, spectra, same=True)


def near_duplicates_between(views: np.ndarray, others: np.ndarray) -> list[Pair]:
    """Find the pictures that show a cell of another set: int8 [n, ANGLES, RADII], int8 [m, ANGLES, RADII].

    Returns
    -------
    list of (int, int, float)
        The index in `views`, that in `others`, and the correlation (SIMILAR to 1), the highest first.
    """
    return _pairs(_spectra(views), _spectra(others), same=False)


def _pairs(spectra: np.ndarray, others: np.ndarray, same: bool) -> list[Pair]:
    """Return the pairs of two sets, or with `same` of one, each once."""
    magnitudes = _magnitudes(spectra)
    other_magnitudes = magnitudes if same else _magnitudes(others)
    pairs: list[Pair] = []
    for start in range(0, len(spectra), ROWS):
        first = start if same else 0
        candidates = magnitudes[start : start + ROWS] @ other_magnitudes[first:].T >= CANDIDATE
        for row, chosen in enumerate(candidates):
            one, rest = start + row, np.flatnonzero(chosen) + first
            pairs += _matches(one, rest[rest > one] if same else rest, spectra, others)
    return sorted(pairs, key=lambda pair: -pair[2])


def _matches(one: int, rest: np.ndarray, spectra: np.ndarray, other_spectra: np.ndarray) -> list[Pair]:
    if not len(rest):
        return []
    similarity = _correlations(spectra[one], other_spectra[rest])
    return [(one, int(rest[k]), float(similarity[k])) for k in np.flatnonzero(similarity >= SIMILAR)]


def _spectra(views: np.ndarray) -> np.ndarray:
    """Transform along the angle, with each ring weighing as its area and each view as 1: complex64 [n, :, RADII]."""
    parts = [_spectra_of(views[start : start + ROWS]) for start in range(0, len(views), ROWS)]
    return np.concatenate([np.zeros((0, ANGLES // 2 + 1, RADII), np.complex64), *parts])


def _spectra_of(views: np.ndarray) -> np.ndarray:
    rings = views.astype(np.float32) * np.sqrt((np.arange(RADII, dtype=np.float32) + 0.5) / RADII)
    rings -= rings.mean((1, 2), keepdims=True)
    norm = np.linalg.norm(rings, axis=(1, 2), keepdims=True)
    rings = np.divide(rings, norm, out=np.zeros_like(rings), where=norm > 0)
    return np.fft.rfft(rings, axis=1).astype(np.complex64)


def _magnitudes(spectra: np.ndarray) -> np.ndarray:
    """Return what a turn does not change: float32 [n, features], each row of length 1."""
    magnitudes = np.abs(spectra).reshape(len(spectra), (ANGLES // 2 + 1) * RADII)
    return magnitudes / np.maximum(np.linalg.norm(magnitudes, axis=1, keepdims=True), 1e-9)


def _correlations(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the highest correlation of a view with each other one over all turns, mirrored or not: float [k]."""
    turned = [np.fft.irfft((side * others).sum(2), n=ANGLES, axis=1) for side in (one.conj(), one)]
    return np.maximum(*turned).max(1)
