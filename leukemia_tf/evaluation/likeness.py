"""Which images are like the training cells: fitted so that about 1 % of new patients' cells are not."""

from __future__ import annotations

import numpy as np

from leukemia_tf.models.decision import Likeness
from leukemia_tf.models.probability import distance

PROMISED = 0.99  # of new patients' cells that are to pass
FOLDS = 5
LEAST = 0.02  # deviation: cells of one size must not forbid all others by a rounding


def fit_likeness(traits: np.ndarray, patients: np.ndarray) -> Likeness | None:
    """Fit an ellipsoid to training cells.

    Its limit is the distance that 99 % of them keep to ellipsoids fitted without their patients.

    Parameters
    ----------
    traits : numpy.ndarray
        float [n, traits], as from `leukemia_tf.data.traits`.
    patients : numpy.ndarray
        str [n].

    Returns
    -------
    Likeness or None
        None where there are not two patients.
    """
    names = np.random.default_rng(0).permutation(np.unique(patients))
    if len(names) < 2:
        return None
    away = np.empty(len(traits))
    for held in np.array_split(names, min(FOLDS, len(names))):
        own = np.isin(patients, held)
        away[own] = distance(traits[own], _ellipsoid(traits[~own], patients[~own], 0.0))
    return _ellipsoid(traits, patients, float(np.quantile(away, PROMISED)))


def _ellipsoid(traits: np.ndarray, patients: np.ndarray, limit: float) -> Likeness:
    """Return the ellipsoid of cells; a patient's n cells weigh the root of n together."""
    count = np.unique(patients, return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(count[2][count[1]])
    weights /= weights.sum()
    centre = weights @ traits
    away = traits - centre
    covariance = (away * weights[:, None]).T @ away
    alone = np.diag(np.diag(covariance))  # what few cells say of pairs of traits is chance
    shrink = min(1.0, traits.shape[1] / len(traits))
    covariance = (1 - shrink) * covariance + shrink * alone + LEAST**2 * np.eye(len(centre))
    precision = np.linalg.inv(covariance)
    return Likeness(tuple(map(float, centre)), tuple(tuple(map(float, row)) for row in precision), limit)
