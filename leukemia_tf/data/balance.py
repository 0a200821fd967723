"""Which cells an epoch has and how much each weighs: classes and patients of unequal size, made equal.

Everything is drawn from (seed, epoch) alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from leukemia_tf.config import Augmentation
from leukemia_tf.core.errors import ArgumentError, nearest

BALANCES = ("none", "oversample", "double", "undersample", "class-weight", "mean")
PATIENT_WEIGHTS = {"none": 0.0, "sqrt": 0.5, "equal": 1.0}  # a patient's n cells weigh n ** -exponent each


@dataclass(frozen=True)
class Sampling:
    """How training cells are drawn, weighted and varied.

    Parameters
    ----------
    balance : str
        `none`; `oversample` (the smaller class repeated up to the larger); `double` (each cell of the smaller class
        twice); `undersample` (the larger drawn anew each epoch, down to the smaller); `class-weight`; or `mean` (both
        at their mean size: the larger subsampled once, the smaller repeated).
    multiply : int
        Differently augmented copies of each cell in an epoch.
    patient_weight : str
        `none`, `sqrt` (each cell weighs the inverse root of its patient's count) or `equal` (every patient of a class
        weighs the same). A cell is drawn so much the more often: as a weight in the loss it would make the steps
        uneven.
    augment : Augmentation
        The random views.

    Raises
    ------
    ArgumentError
        If a setting is none of these.
    """

    balance: str = "oversample"
    multiply: int = 1
    patient_weight: str = "none"
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.balance not in BALANCES:
            raise ArgumentError("balance", self.balance, nearest(self.balance, BALANCES))
        if self.patient_weight not in PATIENT_WEIGHTS:
            raise ArgumentError("patient_weight", self.patient_weight, nearest(self.patient_weight, PATIENT_WEIGHTS))
        if self.multiply < 1:
            raise ArgumentError("multiply", self.multiply, "it takes a number of 1 or more.")


def epoch_order(
    labels: np.ndarray, sampling: Sampling, seed: int, epoch: int, patients: np.ndarray | None = None
) -> np.ndarray:
    """Draw the cells of an epoch and their order.

    Parameters
    ----------
    labels : numpy.ndarray
        int [n], 0 or 1.
    sampling : Sampling
        Its balance and its copies.
    seed, epoch : int
        The draw depends on these alone.
    patients : numpy.ndarray, optional
        str [n], empty where unknown: such a cell counts as one of a patient of mean size. Without it every cell is
        drawn as often.

    Returns
    -------
    numpy.ndarray
        int32 [m]: indices of cells; as many of each class, unless the balance is `none`, `double` or `class-weight`.
    """
    by_class = [_class_cells(label, labels, sampling, seed, epoch) for label in np.unique(labels)]
    if patients is not None and PATIENT_WEIGHTS[sampling.patient_weight]:
        by_class = [
            _by_patient(labels == labels[drawn[0]], patients, sampling, len(drawn), seed, epoch) for drawn in by_class
        ]
    order = np.tile(np.concatenate(by_class), sampling.multiply)
    return np.random.default_rng([seed, epoch, 1]).permutation(order).astype(np.int32)


def _class_cells(label: int, labels: np.ndarray, sampling: Sampling, seed: int, epoch: int) -> np.ndarray:
    """Return the cells of one class for an epoch."""
    members, sizes = np.flatnonzero(labels == label), np.bincount(labels)
    sizes = sizes[sizes > 0]
    if sampling.balance in ("none", "class-weight"):
        return members
    if sampling.balance == "double":
        return np.tile(members, 2 if len(members) < sizes.max() else 1)
    size = {"oversample": sizes.max(), "undersample": sizes.min(), "mean": int(sizes.mean())}[sampling.balance]
    drawn_at = 0 if sampling.balance == "mean" else epoch  # the main report drew once
    shuffled = np.random.default_rng([seed, drawn_at, 0]).permutation(members)
    return np.resize(shuffled, size)


def _by_patient(
    of_class: np.ndarray, patients: np.ndarray, sampling: Sampling, size: int, seed: int, epoch: int
) -> np.ndarray:
    """Draw so many cells of a class, each patient to within one as often as its weight says (systematic sampling)."""
    rng, members = np.random.default_rng([seed, epoch, 2]), np.flatnonzero(of_class)
    shuffled = rng.permutation(members)
    order = shuffled[np.argsort(patients[shuffled], kind="stable")]
    ends = np.cumsum(_within_class(patients[order], sampling)) * size / len(order)
    drawn = np.diff(np.floor(np.concatenate([[0.0], ends[:-1], [size]]) + rng.random()))
    return np.repeat(order, drawn.astype(int))


def _within_class(patients: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Return the weight of each cell of a class, their mean 1."""
    names, index, count = np.unique(patients, return_inverse=True, return_counts=True)
    known = names != ""
    sizes = np.where(known, count, count[known].mean() if known.any() else 1)
    by_patient = (1.0 / sizes[index]) ** PATIENT_WEIGHTS[sampling.patient_weight]
    return by_patient / by_patient.mean()


def class_weights(labels: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Return what each cell weighs for its class: float32 [n]; 1, except under `class-weight`."""
    if sampling.balance != "class-weight":
        return np.ones(len(labels), np.float32)
    return (len(labels) / (2 * np.bincount(labels)[labels])).astype(np.float32)


def cell_weights(labels: np.ndarray, patients: np.ndarray, sampling: Sampling) -> np.ndarray:
    """Return the weight of each cell where all are taken at once, as a logistic regression takes them.

    Parameters
    ----------
    labels, patients : numpy.ndarray
        int [n], 0 or 1; str [n], empty where unknown: such a cell counts as one of a patient of mean size.
    sampling : Sampling
        Its balance and its patients' weight.

    Returns
    -------
    numpy.ndarray
        float32 [n]; the mean within a class is 1, except under `class-weight`, where both classes have the same sum.
    """
    weights = class_weights(labels, sampling).astype(float)
    for label in np.unique(labels):
        weights[labels == label] *= _within_class(patients[labels == label], sampling)
    return weights.astype(np.float32)
