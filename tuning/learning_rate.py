"""The learning-rate range test: raise the rate with each step, record the loss, suggest a rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count

import keras
import numpy as np

LOSS = "range_test_loss"  # the metric that is recorded
EPOCHS_APART = 1000  # between the first batches of two sweeps
CAPPED = 4.0  # a loss counts as so many times the loss without training, at most
WINDOW = 0.5  # decades of rates that a point of the curve averages over
LEAST_FALL = (0.02, 4.0)  # in losses without training, and in standard errors of the curve: what is less is noise
BELOW = 10.0  # the suggestion is so many times lower than the rate with the lowest loss


@dataclass(frozen=True)
class RangeTest:
    """The loss at each rate, and the suggested one.

    Parameters
    ----------
    rates, losses : numpy.ndarray
        float [steps]: the rates, rising, and the mean loss of a step at each.
    untrained : float
        The mean loss of the same batches without training.
    suggested : float or None
        A tenth of the rate with the lowest loss; what `lr=auto` takes. None where no rate lowers the loss.
    """

    rates: np.ndarray
    losses: np.ndarray
    untrained: float
    suggested: float | None


def find_learning_rate(
    model: keras.Model,
    batches: Callable[[int], Iterable[Sequence]],
    lowest: float = 1e-7,
    highest: float = 1.0,
    steps: int = 100,
    repeats: int = 3,
) -> RangeTest:
    """Run the range test, and restore the network afterwards.

    Each sweep goes through all rates from the same weights, on other batches. Batches differ in difficulty by more than
    a step improves, so each is compared with its loss without training. The curve is the mean over sweeps and over half
    a decade of rates.

    Parameters
    ----------
    model : keras.Model
        Compiled, with `recorded_loss` among its metrics; its weights and its optimizer's state are restored afterwards.
    batches : callable
        Epoch -> the epoch's batches, the same at each call: (cells, labels) or (cells, labels, weights), as
        `train_on_batch` takes them.
    lowest, highest : float
        The first and the last rate; those between are evenly spaced in the logarithm.
    steps : int
        How many rates.
    repeats : int
        How many sweeps.

    Returns
    -------
    RangeTest
        The curve and the suggestions.

    Raises
    ------
    ValueError
        If the loss without training is not a number.

    Notes
    -----
    Smith 2017, "Cyclical Learning Rates for Training Neural Networks", arXiv:1506.01186.
    """
    rates = np.geomspace(lowest, highest, steps)
    model.optimizer.build(model.trainable_variables)
    saved = [(variable, variable.numpy()) for variable in (*model.variables, *model.optimizer.variables)]
    sweeps = []
    for first in range(0, repeats * EPOCHS_APART, EPOCHS_APART):
        for swept in (np.zeros(steps), rates):
            sweeps.append(_sweep(model, chain.from_iterable(map(batches, count(first))), swept))
            for variable, value in saved:
                variable.assign(value)
    untrained, trained = np.array(sweeps[::2]), np.array(sweeps[1::2])
    if not np.isfinite(untrained).all():
        raise ValueError(f"The loss without training must be a number. Received: {untrained.ravel()[0]}")
    return suggest(rates, untrained, trained)


def recorded_loss(loss: Callable) -> keras.metrics.Metric:
    """Return the metric that a range test records: a loss, in which every cell weighs the same."""
    return keras.metrics.MeanMetricWrapper(loss, name=LOSS)


def _sweep(model: keras.Model, batches: Iterator[Sequence], rates: np.ndarray) -> np.ndarray:
    """Return the loss of each step, before its update: float [steps]; NaN once it is not a number any more."""
    losses = np.full(len(rates), np.nan)
    for step, (rate, batch) in enumerate(zip(rates, batches, strict=False)):
        model.optimizer.learning_rate = rate
        model.reset_metrics()
        losses[step] = float(model.train_on_batch(*batch, return_dict=True)[LOSS])
        if not np.isfinite(losses[step]):
            break
    return losses


def suggest(rates: np.ndarray, untrained: np.ndarray, trained: np.ndarray) -> RangeTest:
    """Return the curve and the suggestions of sweeps.

    Parameters
    ----------
    rates : numpy.ndarray
        float [steps], evenly spaced in the logarithm.
    untrained, trained : numpy.ndarray
        float [sweeps, steps]: losses of the same batches at a rate of zero and at each rate; NaN counts as the highest.
    """
    level = float(untrained.mean())
    highest = CAPPED * level
    gains = np.minimum(np.nan_to_num(trained, nan=highest, posinf=highest), highest) - untrained
    decades = np.log10(rates[-1] / rates[0])
    width = 2 * round(WINDOW / 2 * (len(rates) - 1) / decades) + 1 if len(rates) > 1 else 1
    smooth = np.stack([np.convolve(sweep, np.full(width, 1 / width), "valid") for sweep in gains])
    smooth = np.pad(smooth, ((0, 0), (width // 2, width // 2)), mode="edge")
    curve = smooth.mean(axis=0)
    lowest = int(curve.argmin())
    error = _noise(gains[:, : max(lowest + 1, len(rates) // 2)]) / np.sqrt(len(gains) * width)
    falls = smooth[:, lowest].max() < 0 and -curve[lowest] > max(LEAST_FALL[0] * level, LEAST_FALL[1] * error)
    suggested = float(rates[lowest] / BELOW) if falls else None
    return RangeTest(rates, level + curve, level, suggested)


def _noise(gains: np.ndarray) -> float:
    """Return the standard deviation of a step's gain about the curve, by the differences of neighbours."""
    return float(np.median(np.abs(np.diff(gains)))) / (0.6745 * np.sqrt(2)) if gains.shape[1] > 1 else np.inf
