"""The learning-rate range test: raise the rate a step at a time, watch the loss, suggest a rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import keras
import numpy as np

SMOOTHING = 0.9  # of the exponentially weighted loss
DIVERGED = 4.0  # times the lowest smoothed loss: the test ends there


@dataclass(frozen=True)
class RangeTest:
    """The loss at each rate, and the rate where it fell steepest.

    Parameters
    ----------
    rates, losses : numpy.ndarray
        float [steps]: rates that were tried, rising, and the smoothed loss after a step at each.
    suggestion : float
        The rate of the steepest fall over the rate's logarithm.
    """

    rates: np.ndarray
    losses: np.ndarray
    suggestion: float


def find_learning_rate(
    model: keras.Model, batches: Iterable, lowest: float = 1e-7, highest: float = 1.0, steps: int = 100
) -> RangeTest:
    """Run the range test and put the network back as it was.

    Parameters
    ----------
    model : keras.Model
        Compiled; its weights and its optimizer's state are restored afterwards.
    batches : iterable
        At least one batch of (cells, labels), as `train_on_batch` takes them; repeated as needed.
    lowest, highest : float
        The first and last rate, spaced evenly in the logarithm.
    steps : int
        How many; fewer if the loss diverges.

    Returns
    -------
    RangeTest
        The curve and the suggestion.

    Raises
    ------
    ValueError
        If the loss is not a number from the first step on.

    Notes
    -----
    Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.
    """
    model.optimizer.build(model.trainable_variables)
    kept = [(variable, variable.numpy()) for variable in (*model.variables, *model.optimizer.variables)]
    rates, losses, average = [], [], 0.0
    try:
        for step, (cells, labels) in zip(range(steps), _repeated(batches)):
            rate = lowest * (highest / lowest) ** (step / max(1, steps - 1))
            model.optimizer.learning_rate = rate
            loss = float(model.train_on_batch(cells, labels, return_dict=True)["loss"])
            model.reset_metrics()
            average = SMOOTHING * average + (1 - SMOOTHING) * loss
            smoothed = average / (1 - SMOOTHING ** (step + 1))
            if not np.isfinite(smoothed) or (losses and smoothed > DIVERGED * min(losses)):
                break
            rates.append(rate)
            losses.append(smoothed)
    finally:
        for variable, value in kept:
            variable.assign(value)
    if not losses:
        raise ValueError(f"The loss must be a number at the lowest rate. Received: {loss} at {lowest}")
    return RangeTest(np.array(rates), np.array(losses), _steepest(np.array(rates), np.array(losses)))


def _repeated(batches: Iterable) -> Iterable:
    while True:
        yield from batches


def _steepest(rates: np.ndarray, losses: np.ndarray) -> float:
    if len(losses) < 2:
        return float(rates[0])
    return float(rates[np.argmin(np.gradient(losses, np.log(rates)))])
