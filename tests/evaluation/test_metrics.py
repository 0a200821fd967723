"""Each metric against scikit-learn, weighted and with ties; intervals against what they promise."""

import numpy as np
import pytest
from sklearn import metrics as sk

from leukemia_tf.evaluation.bootstrap import paired_difference, patient_weights, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS, all_metrics, auroc_standard_error

RNG = np.random.default_rng(0)
N = 200
LABELS = RNG.integers(0, 2, N)
PROBABILITIES = np.round(np.clip(0.3 * LABELS + RNG.uniform(0, 0.7, N), 0, 1), 2)  # rounded: with ties
PATIENTS = np.char.add(np.where(LABELS == 1, "P", "H"), RNG.integers(0, 6, N).astype(str))
WEIGHTS = RNG.integers(0, 4, (3, N)).astype(float)


def oracle(labels, probabilities, patients, w):
    said = probabilities >= 0.5
    size = np.array([np.sum(patients == patient) for patient in patients])
    bins = np.minimum((probabilities * 10).astype(int), 9)
    ece = sum(
        w[bins == b].sum() / w.sum() * abs(np.average((probabilities - labels)[bins == b], weights=w[bins == b]))
        for b in np.unique(bins)
        if w[bins == b].sum()
    )
    return {
        "accuracy": sk.accuracy_score(labels, said, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, said, sample_weight=w),
        "sensitivity": sk.recall_score(labels, said, sample_weight=w),
        "specificity": sk.recall_score(labels, said, pos_label=0, sample_weight=w),
        "ppv": sk.precision_score(labels, said, sample_weight=w),
        "npv": sk.precision_score(labels, said, pos_label=0, sample_weight=w),
        "f1": sk.f1_score(labels, said, sample_weight=w),
        "f_beta": sk.fbeta_score(labels, said, beta=2, sample_weight=w),
        "weighted_f1": sk.f1_score(labels, said, average="weighted", sample_weight=w),
        "cohen_kappa": sk.cohen_kappa_score(labels, said, sample_weight=w),
        "mcc": sk.matthews_corrcoef(labels, said, sample_weight=w),
        "auroc": sk.roc_auc_score(labels, probabilities, sample_weight=w),
        "auroc_by_patient": sk.roc_auc_score(labels, probabilities, sample_weight=w / size),
        "auprc": sk.average_precision_score(labels, probabilities, sample_weight=w),
        "brier": sk.brier_score_loss(labels, probabilities, sample_weight=w),
        "ece": ece,
    }


def test_against_scikit_learn():
    got = all_metrics(LABELS, PROBABILITIES, PATIENTS, WEIGHTS)
    assert tuple(got) == METRICS
    for row, weights in enumerate(WEIGHTS):
        for name, wanted in oracle(LABELS, PROBABILITIES, PATIENTS, weights).items():
            assert got[name][row] == pytest.approx(wanted, abs=1e-12), name


def test_weights_are_repetition():
    times = WEIGHTS[0].astype(int)
    repeated = [np.repeat(values, times) for values in (LABELS, PROBABILITIES, PATIENTS)]
    got, wanted = all_metrics(LABELS, PROBABILITIES, PATIENTS, WEIGHTS[:1]), all_metrics(*repeated)
    for name in set(METRICS) - {"auroc_by_patient"}:
        assert got[name][0] == pytest.approx(wanted[name][0], abs=1e-12)


def test_auroc_by_patient_by_hand():
    labels = np.array([1, 1, 1, 1, 0, 0])
    probabilities = np.array([0.9, 0.9, 0.9, 0.1, 0.5, 0.2])
    patients = np.array(["a", "a", "a", "b", "H", "H"])
    assert all_metrics(labels, probabilities, patients)["auroc"][0] == 0.75
    assert all_metrics(labels, probabilities, patients)["auroc_by_patient"][0] == 0.5


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(label):
    got = all_metrics(np.full(4, label), np.array([0.2, 0.4, 0.6, 0.8]), np.array(list("abcd")))
    assert np.isnan(got["auroc"][0])
    assert got["accuracy"][0] == 0.5
    assert np.isnan(got["sensitivity" if label == 0 else "specificity"][0])


def test_patients_are_drawn_whole_and_class_by_class():
    drawn = patient_weights(LABELS, PATIENTS, 50, seed=1)
    for patient in np.unique(PATIENTS):
        inside = drawn[:, patient == PATIENTS]
        assert (inside == inside[:, :1]).all()
    first = [np.flatnonzero(patient == PATIENTS)[0] for patient in np.unique(PATIENTS)]
    assert (drawn[:, first].sum(1) == len(first)).all()
    assert (drawn[:, [i for i in first if LABELS[i] == 1]].sum(1) == 6).all()


def test_intervals_know_that_cells_of_a_patient_agree():
    rng = np.random.default_rng(3)
    patients = np.repeat([f"{i}" for i in range(20)], 50)
    labels = np.repeat([0, 1], 500)
    probabilities = 1 / (1 + np.exp(-(labels + np.repeat(rng.normal(0, 1.5, 20), 50) + rng.normal(0, 0.3, 1000))))
    by_patient = score_with_intervals(labels, probabilities, patients, resamples=500)["auroc"]
    by_cell = score_with_intervals(labels, probabilities, np.arange(1000).astype(str), resamples=500)["auroc"]
    assert by_patient["low"] < by_patient["value"] == by_cell["value"] < by_patient["high"]
    assert by_patient["high"] - by_patient["low"] > 3 * (by_cell["high"] - by_cell["low"])


def test_per_patient():
    labels, mean, names = per_patient(np.array([1, 0, 1]), np.array([0.2, 0.5, 0.6]), np.array(["b", "a", "b"]))
    assert names.tolist() == ["a", "b"]
    assert labels.tolist() == [0, 1]
    np.testing.assert_allclose(mean, [0.5, 0.4])


def test_paired_difference_is_narrower_than_two_intervals():
    rng = np.random.default_rng(0)
    patients = np.repeat([f"p{i}" for i in range(20)], 10)
    labels = np.repeat(np.arange(20) % 2, 10)
    shared = labels + np.repeat(rng.normal(0, 0.7, 20), 10) + rng.normal(0, 0.5, 200)
    one, other = (1 / (1 + np.exp(-(shared + rng.normal(0, noise, 200)))) for noise in (0.1, 0.8))
    difference = paired_difference(labels, one, other, patients)["auroc"]
    first, second = (score_with_intervals(labels, p, patients)["auroc"] for p in (one, other))
    assert difference["value"] == pytest.approx(first["value"] - second["value"])
    assert difference["low"] < difference["value"] < difference["high"]
    assert difference["high"] - difference["low"] < 0.7 * (
        first["high"] - first["low"] + second["high"] - second["low"]
    )
    same = paired_difference(labels, one, one, patients)["auroc"]
    assert (same["value"], same["low"], same["high"]) == (0, 0, 0)


def test_standard_error_of_an_auroc():
    assert auroc_standard_error(0.893, 51, 58) == pytest.approx(0.0325, abs=5e-5)  # by hand
    rng = np.random.default_rng(0)  # the formula is exact for exponential scores
    positives, negatives = rng.exponential(4, (4000, 9, 1)), rng.exponential(1, (4000, 1, 5))
    areas = (positives > negatives).mean((1, 2))
    assert auroc_standard_error(0.8, 9, 5) == pytest.approx(areas.std(), rel=0.03)
    assert auroc_standard_error(1 + 2e-16, 9, 5) == 0  # as sums of floats have it
