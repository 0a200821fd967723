"""The views of a cell that cached features are computed of: a few, drawn once, the same in every run.

A view is identified by the picture's hash, its number and the settings: so a fold, a second run or another seed finds
the features of a former one.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from leukemia_tf.config import Augmentation
from leukemia_tf.data.draws import MIXING, NUMBERS, TRANSFORMS, TURNS, is_on

VARIED = 4  # where a cell's views are without number: each costs a pass through the frozen layers


def fixed_draws(hashes: Sequence[str], settings: Augmentation) -> np.ndarray:
    """Return what stands for `epoch_draws` in each fixed view of pictures.

    With nothing on, a picture has one view, itself; with the eight turns and flips alone it has these; else itself and
    three that are turned or flipped, if that is on, and varied at random.

    Parameters
    ----------
    hashes : sequence of str
        sha256 of each picture's pixels, [n].
    settings : Augmentation
        Without MixUp and CutMix, which take two cells.

    Returns
    -------
    numpy.ndarray
        float32 [views, n, transforms, numbers], 0-1; the first view is the picture itself.
    """
    turn, draws = TRANSFORMS.index("dihedral"), _still(count_views(settings), len(hashes))
    if not _is_varied(settings):
        draws[:, :, turn, 1] = (np.arange(len(draws))[:, None] + 0.5) / TURNS
        return draws
    for index, name in enumerate(hashes):
        key = int(name[:16], 16)
        for transform in (place for place, name in enumerate(TRANSFORMS) if name not in MIXING):
            rng = np.random.default_rng([key, zlib.crc32(TRANSFORMS[transform].encode())])
            if transform == turn and settings.dihedral:
                draws[1:, index, turn, 1] = (rng.permutation(TURNS - 1)[: VARIED - 1] + 1.5) / TURNS
            else:
                draws[1:, index, transform] = rng.random((VARIED - 1, NUMBERS), np.float32)
    return draws


def count_views(settings: Augmentation) -> int:
    """Return how many fixed views a picture has."""
    if _is_varied(settings):
        return VARIED
    return TURNS if settings.dihedral else 1


def _is_varied(settings: Augmentation) -> bool:
    return any(is_on(settings, name) for name in TRANSFORMS if name != "dihedral")


def _still(views: int, count: int) -> np.ndarray:
    """Return draws of which none applies a transform: no probability is above 1."""
    draws = np.ones((views, count, len(TRANSFORMS), NUMBERS), np.float32)
    draws[:, :, TRANSFORMS.index("dihedral"), 1] = 0
    return draws


def view_names(settings: Augmentation, views: int) -> np.ndarray:
    """Return a number that identifies each fixed view, wherever its features are stored: int64 [views]; the first 0."""
    names = [f"{json.dumps(asdict(settings), sort_keys=True)} {view}" for view in range(views)]
    digests = [hashlib.sha256(name.encode()).digest()[:8] for name in names]
    return np.array([0, *(int.from_bytes(digest, "little", signed=True) for digest in digests[1:])], np.int64)
