"""Out-of-distribution detection: an ellipsoid around the training cells, which holds 99 % of new patients' cells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from leukemia_tf.data.catalog import Cell
from leukemia_tf.data.image_statistics import image_statistics_of_files
from leukemia_tf.models.calibration import OutOfDistribution
from leukemia_tf.models.probability import mahalanobis_distance

COVERAGE = 0.99  # the share of unseen patients' cells inside the ellipsoid
FOLDS = 5
MIN_DEVIATION = 0.02  # of a statistic: cells of one size must not exclude all others by a rounding error


def fit_training_distribution(folder: Path, cells: Sequence[Cell]) -> OutOfDistribution | None:
    """Fit the ellipsoid to training cells whose images lie in `folder`; see `fit_out_of_distribution`."""
    patients = np.array([cell.patient for cell in cells])
    return fit_out_of_distribution(image_statistics_of_files([folder / cell.path for cell in cells]), patients)


def fit_out_of_distribution(image_statistics: np.ndarray, patients: np.ndarray) -> OutOfDistribution | None:
    """Fit an ellipsoid to training cells, its limit by cross-validation over patients.

    Parameters
    ----------
    image_statistics : numpy.ndarray
        float [n, statistics], as from `leukemia_tf.data.image_statistics`.
    patients : numpy.ndarray
        str [n].

    Returns
    -------
    OutOfDistribution or None
        None if there is only one patient.
    """
    names = np.random.default_rng(0).permutation(np.unique(patients))
    if len(names) < 2:
        return None
    distances = np.empty(len(image_statistics))
    for left_out in np.array_split(names, min(FOLDS, len(names))):
        test = np.isin(patients, left_out)
        ellipsoid = _ellipsoid(image_statistics[~test], patients[~test], 0.0)
        distances[test] = mahalanobis_distance(image_statistics[test], ellipsoid)
    return _ellipsoid(image_statistics, patients, float(np.quantile(distances, COVERAGE)))


def _ellipsoid(image_statistics: np.ndarray, patients: np.ndarray, limit: float) -> OutOfDistribution:
    """Return mean and precision, the covariance shrunk towards its diagonal; n cells of a patient weigh sqrt(n)."""
    _, patient, counts = np.unique(patients, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[patient])
    weights /= weights.sum()
    centre = weights @ image_statistics
    deviations = image_statistics - centre
    covariance = (deviations * weights[:, None]).T @ deviations
    diagonal = np.diag(np.diag(covariance))
    shrinkage = min(1.0, image_statistics.shape[1] / len(image_statistics))  # with few cells correlations are chance
    covariance = (1 - shrinkage) * covariance + shrinkage * diagonal + MIN_DEVIATION**2 * np.eye(len(centre))
    precision = np.linalg.inv(covariance)
    return OutOfDistribution(tuple(map(float, centre)), tuple(tuple(map(float, row)) for row in precision), limit)
