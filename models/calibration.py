"""From a logit to a calibrated probability, a prediction and a status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    temperature_range, threshold_range : tuple of float, optional
        The lowest and the highest fit with one of the validation patients left out; None where nothing was fitted.
    cautions : tuple of str
        Why the temperature or the threshold could not be fitted, a sentence each.
    """

    temperature: float = 1.0
    threshold: float = 0.5
    out_of_distribution: OutOfDistribution | None = None
    temperature_range: tuple[float, float] | None = None
    threshold_range: tuple[float, float] | None = None
    cautions: tuple[str, ...] = ()


def calibration_config(calibration: Calibration) -> dict[str, Any]:
    """Return what a `.keras` file stores; the first three keys are those of the first version."""
    ellipsoid = calibration.out_of_distribution
    return {
        "temperature": calibration.temperature,
        "threshold": calibration.threshold,
        "likeness": asdict(ellipsoid) if ellipsoid else None,
        "temperature_range": calibration.temperature_range,
        "threshold_range": calibration.threshold_range,
        "cautions": calibration.cautions,
    }


def calibration_from_config(config: Mapping[str, Any]) -> Calibration:
    """Read what `calibration_config` returned in this version or an earlier one, or the `decision` of metrics.json."""
    ellipsoid, distribution = config.get("likeness"), None
    if ellipsoid:
        rows = tuple(map(tuple, ellipsoid["precision"]))  # JSON has lists
        distribution = OutOfDistribution(tuple(ellipsoid["centre"]), rows, ellipsoid["limit"])
    default = Calibration()
    return Calibration(
        config.get("temperature", default.temperature),
        config.get("threshold", default.threshold),
        distribution,
        _pair(config.get("temperature_range")),
        _pair(config.get("threshold_range")),
        tuple(config.get("cautions", ())),
    )


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return (values[0], values[1]) if values else None
