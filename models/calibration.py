"""From a logit to a calibrated probability, a prediction and a status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class OutOfDistribution:
    """Which images are out of distribution: those outside an ellipsoid of `leukemia_tf.data.image_statistics`.

    Parameters
    ----------
    centre : tuple of float
        [statistics].
    precision : tuple of tuple of float
        [statistics, statistics], the inverse of the covariance.
    limit : float
        The largest Mahalanobis distance of the training distribution: 99 % of unseen patients' cells are within it.
    """

    centre: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    limit: float


@dataclass(frozen=True)
class Calibration:
    """How a network's logit becomes a probability, a prediction and a status; stored inside the network.

    Parameters
    ----------
    temperature : float
        The probability of `all` is sigmoid(logit / temperature); 1 until it is fitted on the validation part.
    threshold : float
        The prediction is `all` at this probability or above.
    out_of_distribution : OutOfDistribution, optional
        Which images get the status `unlike-training`; without it, none.
    """

    temperature: float = 1.0
    threshold: float = 0.5
    out_of_distribution: OutOfDistribution | None = None


def calibration_config(calibration: Calibration) -> dict[str, Any]:
    """Return what a `.keras` file stores; the keys are those of the first version."""
    ellipsoid = calibration.out_of_distribution
    return {
        "temperature": calibration.temperature,
        "threshold": calibration.threshold,
        "likeness": asdict(ellipsoid) if ellipsoid else None,
    }


def calibration_from_config(config: Mapping[str, Any]) -> Calibration:
    """Read what `calibration_config` returned, or the temperature and threshold of metrics.json."""
    ellipsoid, distribution = config.get("likeness"), None
    if ellipsoid:
        rows = tuple(map(tuple, ellipsoid["precision"]))  # JSON has lists
        distribution = OutOfDistribution(tuple(ellipsoid["centre"]), rows, ellipsoid["limit"])
    default = Calibration()
    temperature, threshold = config.get("temperature", default.temperature), config.get("threshold", default.threshold)
    return Calibration(temperature, threshold, distribution)
