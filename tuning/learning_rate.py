"""The learning-rate range test: raise the rate with each step, record the loss, suggest a rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np

SMOOTHING = 0.9  # of the exponentially weighted loss
DIVERGED = 4.0  # the test ends at so many times the lowest smoothed loss


@dataclass(frozen=True)
class RangeTest:
    """The loss at each rate, and two suggested rates.

    Parameters
    ----------
    rates, losses : numpy.ndarray
        float [steps]: the rates, rising, and the smoothed loss after a step at each.
    steepest : float
        Where the loss falls fastest over the rate's logarithm.
    valley : float
        The middle of the longest fall; what `lr=auto` takes.
    """

    rates: np.ndarray
    losses: np.ndarray
    steepest: float
    valley: float


def find_learning_rate(
    model: keras.Model, batches: Iterable, lowest: float = 1e-7, highest: float = 1.0, steps: int = 100
) -> RangeTest:
    """Run the range test, and restore the network afterwards.

    Parameters
    ----------
    model : keras.Model
        Compiled; its weights and its optimizer's state are restored afterwards.
    batches : iterable
        At least one batch of (cells, labels) or (cells, labels, weights), as `train_on_batch` takes them; repeated as
        needed.
    lowest, highest : float
        The first and the last rate; those between are evenly spaced in the logarithm.
    steps : int
        How many rates; fewer if the loss diverges.

    Returns
    -------
    RangeTest
        The curve and the suggestions.

    Raises
    ------
    ValueError
        If the loss is not a number from the first step on.

    Notes
    -----
    Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.
    """
    model.optimizer.build(model.trainable_variables)
    saved = [(variable, variable.numpy()) for variable in (*model.variables, *model.optimizer.variables)]
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    try:
        for step, batch in zip(range(steps), _repeated(batches)):
            rate = lowest * (highest / lowest) ** (step / max(1, steps - 1))
            model.optimizer.learning_rate = rate
            loss = float(model.train_on_batch(*batch, return_dict=True)["loss"])
            model.reset_metrics()
            average = SMOOTHING * average + (1 - SMOOTHING) * loss
            smoothed = average / (1 - SMOOTHING ** (step + 1))
            if not np.isfinite(smoothed) or (losses and smoothed > DIVERGED * min(losses)):
                break
            rates.append(rate)
            losses.append(smoothed)
    finally:
        for variable, value in saved:
            variable.assign(value)
    if not losses:
        raise ValueError(f"The loss must be a number at the lowest rate. Received: {loss} at {lowest}")
    curve = np.array(rates), np.array(losses)
    return RangeTest(*curve, steepest=_steepest(*curve), valley=_valley(*curve))


def _repeated(batches: Iterable) -> Iterable:
    while True:
        yield from batches


def _steepest(rates: np.ndarray, losses: np.ndarray) -> float:
    if len(losses) < 2:
        return float(rates[0])
    return float(rates[np.argmin(np.gradient(losses, np.log(rates)))])


def _valley(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return the rate in the middle of the longest decreasing subsequence of losses."""
    lengths, before = np.ones(len(losses), int), np.full(len(losses), -1)
    for end in range(1, len(losses)):
        higher = np.flatnonzero(losses[:end] > losses[end])
        if len(higher):
            before[end] = higher[np.argmax(lengths[higher])]
            lengths[end] = lengths[before[end]] + 1
    run = [int(np.argmax(lengths))]
    while before[run[-1]] >= 0:
        run.append(int(before[run[-1]]))
    return float(rates[run[len(run) // 2]])
