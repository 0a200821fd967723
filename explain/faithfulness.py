"""The faithfulness of heat-map methods, measured on cells."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from leukemia_tf.core.console import progress_bar
from leukemia_tf.explain.faithfulness_measures import (
    cell_squares,
    centre_blob,
    curves,
    gains,
    random_squares,
    rank_correlation,
    shuffled,
    squares_of,
)
from leukemia_tf.explain.frame import Frame, to_original
from leukemia_tf.explain.methods import METHODS, Method
from leukemia_tf.explain.regions import heat_shares
from leukemia_tf.explain.target import Target
from leukemia_tf.models.freezing import block_layers
from leukemia_tf.models.network import blocks_of

BASELINES = ("random", "centre")  # maps to beat: one without information, one that knows where cells lie
BATCH = 8  # cells


@dataclass
class Faithfulness:
    """What was measured of one method.

    Parameters
    ----------
    squares : list of numpy.ndarray
        A map per cell: float32 [GRID, GRID].
    curves : list of numpy.ndarray
        Deletion and insertion per cell: float32 [2, STEPS + 1], signed logits.
    shares : list of dict
        The shares of heat in a cell's parts, per cell.
    shuffled : dict of str to list of float
        By what was shuffled: the rank correlation of each cell's maps before and after.
    milliseconds : float
        Per map.
    """

    squares: list[np.ndarray] = field(default_factory=list)
    curves: list[np.ndarray] = field(default_factory=list)
    shares: list[dict[str, float]] = field(default_factory=list)
    shuffled: dict[str, list[float]] = field(default_factory=dict)
    milliseconds: float = 0.0

    @property
    def gains(self) -> np.ndarray:
        """The mean effect of deletion and of insertion on the logit: float [cells, 2]."""
        return np.array([gains(one) for one in self.curves])


def measure_faithfulness(
    target: Target, frames: Sequence[Frame], names: Sequence[str], sanity: int, seed: int
) -> dict[str, Faithfulness]:
    """Measure methods, and the baselines beside them.

    Parameters
    ----------
    target : Target
        The network, and its layer.
    frames : sequence of Frame
        The cells.
    names : sequence of str
        Of the methods.
    sanity : int
        How many of the cells, the first ones, are explained with shuffled weights.
    seed : int
        Of the random map and of the shuffled weights.

    Returns
    -------
    dict of str to Faithfulness
        By the method's name, then by that of each baseline.
    """
    results = {name: Faithfulness() for name in (*names, *BASELINES)}
    _measure_maps(target, frames, {name: results[name] for name in names})
    _add_baselines(frames, results, np.random.default_rng(seed))
    for result in progress_bar(results.values(), total=len(results), title="deletion and insertion", unit="method"):
        ties = np.random.default_rng(seed)
        result.curves = [
            curves(target, frame.cells[0][0], frame.sign, squares, ties)
            for frame, squares in zip(frames, result.squares)
        ]
    _measure_shuffled(target, frames[:sanity], {name: results[name] for name in names}, seed)
    return results


def _measure_maps(target: Target, frames: Sequence[Frame], results: Mapping[str, Faithfulness]) -> None:
    """Add each method's maps, their time and where their heat lies."""
    parts = [frame.parts for frame in frames]
    for name, result in progress_bar(results.items(), total=len(results), title="methods", unit="method"):
        start = time.perf_counter()
        heats = _heats(target, METHODS[name], frames)
        result.milliseconds = 1000 * (time.perf_counter() - start) / len(frames)
        result.squares = [squares_of(heat) for heat in heats]
        result.shares = [_shares(*one) for one in zip(frames, heats, parts)]


def _add_baselines(frames: Sequence[Frame], results: Mapping[str, Faithfulness], rng: np.random.Generator) -> None:
    """Add the maps of the baselines, and where their heat lies."""
    for frame in frames:
        parts = frame.parts
        for name, squares in zip(BASELINES, (random_squares(rng), centre_blob())):
            results[name].squares.append(squares)
            results[name].shares.append(_shares(frame, squares, parts))


def _heats(target: Target, method: Method, frames: Sequence[Frame]) -> list[np.ndarray]:
    heats: list[np.ndarray] = []
    for start in range(0, len(frames), BATCH):
        batch = frames[start : start + BATCH]
        signs = np.array([frame.sign for frame in batch], np.float32)
        heats += list(method.heat(target, np.concatenate([frame.cells[0] for frame in batch]), signs))
    return heats


def _shares(frame: Frame, heat: np.ndarray, parts: Mapping[str, np.ndarray]) -> dict[str, float]:
    return heat_shares(to_original(heat, frame.boxes[0], frame.image.shape[:2]).numpy(), parts)


def _measure_shuffled(target: Target, frames: Sequence[Frame], results: Mapping[str, Faithfulness], seed: int) -> None:
    """Compare maps with those of the network with its head shuffled, then one block after the other as well."""
    groups = block_layers(target.model, blocks_of(target.model))
    order = ["head", *reversed([name for name in groups if name != "head"])]
    with shuffled(target.model, [groups[name] for name in order], seed) as shuffle:
        for number, group in enumerate(progress_bar(order, title="shuffled weights", unit="group")):
            shuffle(number)
            for name, result in results.items():
                after = map(squares_of, _heats(target, METHODS[name], frames))
                result.shuffled[group] = [
                    rank_correlation(before, now, cell_squares(frame.cells[0][0]))
                    for before, now, frame in zip(result.squares, after, frames)
                ]


def agreement(results: Mapping[str, Faithfulness], frames: Sequence[Frame]) -> np.ndarray:
    """Return the rank correlation of any two methods' maps, the mean over the cells: float [m, m]."""
    maps, inside = [result.squares for result in results.values()], [cell_squares(f.cells[0][0]) for f in frames]
    return np.array([[np.mean(list(map(rank_correlation, one, other, inside))) for other in maps] for one in maps])
