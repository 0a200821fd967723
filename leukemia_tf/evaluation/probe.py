"""A linear probe: logistic regression on features, judged on cells of folds that it was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from leukemia_tf.data.catalog import LABELS, Cell

FOLDS = 5
INVERSE_PENALTY = 0.01


def patient_weights(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Weigh cells so that both classes weigh the same, and within a class every patient: float [n], mean 1."""
    weights = np.empty(len(labels))
    for label in np.unique(labels):
        chosen = labels == label
        _, index, count = np.unique(groups[chosen], return_inverse=True, return_counts=True)
        weights[chosen] = 1 / count[index] / len(count)
    return weights * len(labels) / weights.sum()


def out_of_fold(
    features: np.ndarray, cells: Sequence[Cell], alias: Mapping[str, frozenset[str]], by: str, seed: int
) -> np.ndarray:
    """Predict every cell by a probe that was fitted on the other folds.

    Parameters
    ----------
    features : numpy.ndarray
        float [n, features].
    cells : sequence of Cell
        Labelled, [n].
    alias : mapping
        For each patient all who are the same, as from `merge_aliases`: they count as one.
    by : str
        What a fold holds: whole `patient`s, or single `image`s (which leaks).
    seed : int
        Of the folds.

    Returns
    -------
    numpy.ndarray
        float [n], the probability of `all`.
    """
    labels = np.array([LABELS.index(cell.label) for cell in cells])
    groups = np.array(["+".join(sorted(alias[cell.patient])) for cell in cells])
    kind = StratifiedGroupKFold if by == "patient" else StratifiedKFold
    probabilities = np.full(len(cells), np.nan)
    for fitted, judged in kind(FOLDS, shuffle=True, random_state=seed).split(features, labels, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=3000))
        weights = patient_weights(labels[fitted], groups[fitted])
        model.fit(features[fitted], labels[fitted], logisticregression__sample_weight=weights)
        probabilities[judged] = model.predict_proba(features[judged])[:, 1]
    return probabilities
