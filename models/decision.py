"""How a logit becomes an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Likeness:
    """Which cells are like those of the training: an ellipsoid in the space of `leukemia_tf.data.traits`.

    Parameters
    ----------
    centre : tuple of float
        [traits].
    precision : tuple of tuple of float
        [traits, traits], the inverse of the covariance.
    limit : float
        The Mahalanobis distance that 99 of 100 cells of patients never seen stay within.
    """

    centre: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    limit: float


@dataclass(frozen=True)
class Decision:
    """What travels inside a network beside its weights.

    Parameters
    ----------
    temperature : float
        The probability of `all` is sigmoid(logit / temperature); 1 until it is fitted on the validation part.
    threshold : float
        The answer is `all` at this probability or more.
    likeness : Likeness, optional
        Which images the answer is meant for; any, where it is missing.
    """

    temperature: float = 1.0
    threshold: float = 0.5
    likeness: Likeness | None = None
