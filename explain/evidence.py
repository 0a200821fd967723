"""What speaks for and against methods of explanation, measured on cells."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from leukemia_tf.explain.checks import (
    alike,
    cell_squares,
    centre_blob,
    curves,
    gains,
    random_squares,
    shuffled,
    squares_of,
)
from leukemia_tf.explain.frame import Frame, to_original
from leukemia_tf.explain.methods import METHODS, Method
from leukemia_tf.explain.regions import parts_of, shares_of
from leukemia_tf.explain.target import Target
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.network import blocks_of

BASELINES = ("random", "centre")  # maps to beat: one that knows nothing, one that knows where cells lie
TOGETHER = 8  # cells


@dataclass
class Evidence:
    """What was measured of one method.

    Parameters
    ----------
    squares : list of numpy.ndarray
        A map a cell: float32 [GRID, GRID].
    curves : list of numpy.ndarray
        A cell's deletion and insertion: float32 [2, STEPS + 1], signed logits.
    shares : list of dict
        A cell's shares of heat in its parts.
    shuffled : dict of str to list of float
        By what was shuffled: how alike (rank correlation) a cell's map is before and after.
    milliseconds : float
        Of a map.
    """

    squares: list[np.ndarray] = field(default_factory=list)
    curves: list[np.ndarray] = field(default_factory=list)
    shares: list[dict[str, float]] = field(default_factory=list)
    shuffled: dict[str, list[float]] = field(default_factory=dict)
    milliseconds: float = 0.0

    @property
    def gains(self) -> np.ndarray:
        """How much deletion and insertion move the logit in the mean: float [cells, 2]."""
        return np.array([gains(one) for one in self.curves])


def gather(
    target: Target, frames: Sequence[Frame], names: Sequence[str], sanity: int, seed: int
) -> dict[str, Evidence]:
    """Measure methods, and maps that know nothing beside them.

    Parameters
    ----------
    target : Target
        The network, and its layer.
    frames : sequence of Frame
        The cells.
    names : sequence of str
        Of the methods.
    sanity : int
        How many of the cells, the first ones, see the network with its weights shuffled.
    seed : int
        Of the random map and of the shuffled weights.

    Returns
    -------
    dict of str to Evidence
        By the method's name, then by that of each baseline.
    """
    found = {name: Evidence() for name in (*names, *BASELINES)}
    parts = [parts_of(frame.image) for frame in frames]
    for name in tqdm(names, desc="methods", leave=False):
        began = time.perf_counter()
        heats = _heats(target, METHODS[name], frames)
        found[name].milliseconds = 1000 * (time.perf_counter() - began) / len(frames)
        for frame, heat, own in zip(frames, heats, parts):
            found[name].squares.append(squares_of(heat))
            found[name].shares.append(_shares(frame, heat, own))
    rng = np.random.default_rng(seed)
    for frame, own in zip(frames, parts):
        for name, squares in (("random", random_squares(rng)), ("centre", centre_blob())):
            found[name].squares.append(squares)
            found[name].shares.append(_shares(frame, squares, own))
    for evidence in tqdm(found.values(), desc="deletion and insertion", leave=False):
        ties = np.random.default_rng(seed)
        evidence.curves = [
            curves(target, frame.cells[0][0], frame.sign, squares, ties)
            for frame, squares in zip(frames, evidence.squares)
        ]
    _shuffle(target, frames[:sanity], {name: found[name] for name in names}, seed)
    return found


def _heats(target: Target, method: Method, frames: Sequence[Frame]) -> list[np.ndarray]:
    heats = []
    for start in range(0, len(frames), TOGETHER):
        some = frames[start : start + TOGETHER]
        signs = np.array([frame.sign for frame in some], np.float32)
        heats += list(method.heat(target, np.concatenate([frame.cells[0] for frame in some]), signs))
    return heats


def _shares(frame: Frame, heat: np.ndarray, parts: Mapping[str, np.ndarray]) -> dict[str, float]:
    return shares_of(to_original(heat, frame.boxes[0], frame.image.shape[:2]).numpy(), parts)


def _shuffle(target: Target, frames: Sequence[Frame], found: Mapping[str, Evidence], seed: int) -> None:
    """Compare each method's maps with those of the network with its head shuffled, then block after block as well."""
    groups = block_layers(target.model, blocks_of(target.model))
    order = ["head", *reversed([name for name in groups if name != "head"])]
    with shuffled(target.model, [groups[name] for name in order], seed) as shuffle:
        for number, group in enumerate(tqdm(order, desc="shuffled weights", leave=False)):
            shuffle(number)
            for name, evidence in found.items():
                after = map(squares_of, _heats(target, METHODS[name], frames))
                evidence.shuffled[group] = [
                    alike(own, now, cell_squares(frame.cells[0][0]))
                    for own, now, frame in zip(evidence.squares, after, frames)
                ]


def agreement(found: Mapping[str, Evidence], frames: Sequence[Frame]) -> np.ndarray:
    """Return how alike the maps of any two methods are, the mean over the cells: float [m, m]."""
    maps, inside = [evidence.squares for evidence in found.values()], [cell_squares(f.cells[0][0]) for f in frames]
    return np.array([[np.mean(list(map(alike, one, other, inside))) for other in maps] for one in maps])
