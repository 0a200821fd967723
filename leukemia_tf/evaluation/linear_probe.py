"""A linear probe: logistic regression on features, with out-of-fold predictions."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from leukemia_tf.data.balance import Sampling, cell_weights
from leukemia_tf.data.folds import Folds

INVERSE_PENALTY = 0.01
FEW = 30  # features


def fit_probe(features: np.ndarray, labels: np.ndarray, weights: np.ndarray, weighted_scale: bool = False) -> Pipeline:
    """Fit a standardised logistic regression: float [n, features], int [n], float [n].

    `weighted_scale`: whether the weights count in the standardisation, too.
    """
    solver = "newton-cholesky" if features.shape[1] <= FEW else "lbfgs"  # the same optimum, several times faster
    model = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, solver=solver, max_iter=3000))
    given = {"logisticregression__sample_weight": weights}
    if weighted_scale:
        given["standardscaler__sample_weight"] = weights
    return model.fit(features, labels, **given)


def out_of_fold(
    features: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    folds: Folds,
    patient_weight: str = "equal",
    weighted_scale: bool = False,
) -> np.ndarray:
    """Predict every cell by a probe fitted on the other folds, with equal weight for both classes.

    Parameters
    ----------
    features : numpy.ndarray
        float [n, features].
    labels : numpy.ndarray
        int [n], 1 for `all`.
    patients : numpy.ndarray
        str [n], the patient group of each cell: several names of one patient must not weigh several times.
    folds : sequence of tuple
        As from `draw_folds`.
    patient_weight : str
        See `leukemia_tf.data.balance.Sampling`.
    weighted_scale : bool
        Whether patients weigh so in the standardisation, too: a value that few cells have is then no outlier.

    Returns
    -------
    numpy.ndarray
        float [n], the probability of `all`.
    """
    probabilities = np.full(len(labels), np.nan)
    for train, test in folds:
        weights = cell_weights(labels[train], patients[train], Sampling("class-weight", patient_weight=patient_weight))
        model = fit_probe(features[train], labels[train], weights, weighted_scale)
        probabilities[test] = model.predict_proba(features[test])[:, 1]
    return probabilities
