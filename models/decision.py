"""How a logit becomes an answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """What travels inside a network beside its weights.

    Parameters
    ----------
    temperature : float
        The probability of `all` is sigmoid(logit / temperature); 1 until it is fitted on the validation part.
    threshold : float
        The answer is `all` at this probability or more.
    """

    temperature: float = 1.0
    threshold: float = 0.5
