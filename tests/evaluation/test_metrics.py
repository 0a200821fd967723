"""Each metric against scikit-learn, weighted and with ties; intervals against their nominal coverage."""

from statistics import NormalDist

import numpy as np
import pytest
from sklearn import metrics as sk

from leukemia_tf.evaluation.bootstrap import draw_patients, paired_difference, per_patient, score_with_intervals
from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.predictions import Prediction, by_patient_group
from leukemia_tf.evaluation.scores import format_score

RNG = np.random.default_rng(0)
N = 200
LABELS = RNG.integers(0, 2, N)
PROBABILITIES = np.round(np.clip(0.3 * LABELS + RNG.uniform(0, 0.7, N), 0, 1), 2)  # rounded: with ties
PATIENTS = np.char.add(np.where(LABELS == 1, "P", "H"), RNG.integers(0, 6, N).astype(str))
NAMES, PATIENT_INDEX = np.unique(PATIENTS, return_inverse=True)
WEIGHTS = RNG.integers(0, 4, (3, len(NAMES))).astype(float)


def oracle(labels, probabilities, patients, w):
    predicted = probabilities >= 0.5
    size = np.array([np.sum(patients == patient) for patient in patients])
    bins = np.minimum((probabilities * 10).astype(int), 9)
    ece = sum(
        w[bins == b].sum() / w.sum() * abs(np.average((probabilities - labels)[bins == b], weights=w[bins == b]))
        for b in np.unique(bins)
        if w[bins == b].sum()
    )
    return {
        "accuracy": sk.accuracy_score(labels, predicted, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, predicted, sample_weight=w),
        "sensitivity": sk.recall_score(labels, predicted, sample_weight=w),
        "specificity": sk.recall_score(labels, predicted, pos_label=0, sample_weight=w),
        "ppv": sk.precision_score(labels, predicted, sample_weight=w),
        "npv": sk.precision_score(labels, predicted, pos_label=0, sample_weight=w),
        "f1": sk.f1_score(labels, predicted, sample_weight=w),
        "f_beta": sk.fbeta_score(labels, predicted, beta=2, sample_weight=w),
        "weighted_f1": sk.f1_score(labels, predicted, average="weighted", sample_weight=w),
        "cohen_kappa": sk.cohen_kappa_score(labels, predicted, sample_weight=w),
        "mcc": sk.matthews_corrcoef(labels, predicted, sample_weight=w),
        "auroc": sk.roc_auc_score(labels, probabilities, sample_weight=w),
        "auroc_by_patient": sk.roc_auc_score(labels, probabilities, sample_weight=w / size),
        "auprc": sk.average_precision_score(labels, probabilities, sample_weight=w),
        "brier": sk.brier_score_loss(labels, probabilities, sample_weight=w),
        "ece": ece,
        **by_patient(labels, predicted, patients, w),
    }


def by_patient(labels, predicted, patients, w):
    masks = [patients == name for name in NAMES]
    accuracies = np.array([sk.accuracy_score(labels[mask], predicted[mask]) for mask in masks])
    weights = np.array([w[mask][0] for mask in masks])
    return {
        "macro_accuracy": np.average(accuracies, weights=weights),
        "worst_accuracy": accuracies[weights > 0].min(),
    }


def test_against_scikit_learn():
    scores = all_metrics(LABELS, PROBABILITIES, PATIENTS, WEIGHTS)
    assert list(scores) == list(METRICS)
    for row, weights in enumerate(WEIGHTS):
        for name, expected in oracle(LABELS, PROBABILITIES, PATIENTS, weights[PATIENT_INDEX]).items():
            assert scores[name][row] == pytest.approx(expected, abs=1e-12), name


def test_weights_are_repetition():
    times = WEIGHTS[0].astype(int)[PATIENT_INDEX]
    repeated = [np.repeat(values, times) for values in (LABELS, PROBABILITIES, PATIENTS)]
    scores, expected = all_metrics(LABELS, PROBABILITIES, PATIENTS, WEIGHTS[:1]), all_metrics(*repeated)
    for name in set(METRICS) - {"auroc_by_patient", "macro_accuracy"}:  # where a patient counts, not its cells
        assert scores[name][0] == pytest.approx(expected[name][0], abs=1e-12)


def test_auroc_by_patient_by_hand():
    labels = np.array([1, 1, 1, 1, 0, 0])
    probabilities = np.array([0.9, 0.9, 0.9, 0.1, 0.5, 0.2])
    patients = np.array(["a", "a", "a", "b", "H", "H"])
    assert all_metrics(labels, probabilities, patients)["auroc"][0] == 0.75
    assert all_metrics(labels, probabilities, patients)["auroc_by_patient"][0] == 0.5


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(label):
    scores = all_metrics(np.full(4, label), np.array([0.2, 0.4, 0.6, 0.8]), np.array(list("abcd")))
    assert np.isnan(scores["auroc"][0])
    assert scores["accuracy"][0] == 0.5
    assert np.isnan(scores["sensitivity" if label == 0 else "specificity"][0])


def test_patients_are_drawn_whole_and_class_by_class():
    drawn = draw_patients(LABELS, PATIENTS, 50, seed=1)
    leukemic = np.char.startswith(NAMES, "P")
    assert (drawn[:, leukemic].sum(1) == leukemic.sum()).all()
    assert (drawn[:, ~leukemic].sum(1) == (~leukemic).sum()).all()
    assert drawn.std(0).min() > 0


def test_intervals_allow_for_correlated_cells_of_a_patient():
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


@pytest.mark.slow
def test_intervals_have_their_nominal_coverage():
    """Many small studies of strongly correlated cells: 95 % of intervals cover the truth, few per-cell ones do."""
    rng = np.random.default_rng(5)
    studies, patients, cells, spread, shift = 600, 40, 15, 1.0, 1.8
    labels, names = np.repeat(np.arange(patients) % 2, cells), np.repeat(np.arange(patients), cells).astype(str)
    truth = NormalDist().cdf(shift / np.sqrt(2 * (spread**2 + 0.3**2)))  # of AUROC, for these normal scores
    covered: dict[str, list] = {"patients": [], "cells": []}
    for study in range(studies):
        scores = shift * labels + np.repeat(rng.normal(0, spread, patients), cells) + rng.normal(0, 0.3, len(labels))
        p = 1 / (1 + np.exp(-scores))
        units = {"patients": names, "cells": np.arange(len(p)).astype(str)}
        for unit in units if study % 20 == 0 else ("patients",):
            score = score_with_intervals(labels, p, units[unit], study, resamples=400)["auroc"]
            covered[unit].append(score["low"] <= truth <= score["high"])
    assert 0.93 <= np.mean(covered["patients"]) <= 0.97
    assert np.mean(covered["cells"]) < 0.5


def test_no_interval_where_all_resamples_agree():
    labels, patients = np.repeat([1, 0], 6), np.repeat(list("abcdef"), 2)
    scores = score_with_intervals(labels, np.linspace(0.9, 0.1, 12), patients)
    assert scores["auroc"]["value"] == 1
    assert np.isnan([scores["auroc"]["low"], scores["auroc"]["high"], scores["worst_accuracy"]["low"]]).all()
    assert format_score(scores["auroc"]) == "1.000 [no interval]"
    assert scores["brier"]["low"] < scores["brier"]["value"] < scores["brier"]["high"]


def test_patient_groups():
    rows = [Prediction("", name, label) for name, label in [("1", "all"), ("1", "hem"), ("20", "all"), ("21", "all")]]
    groups = [row.patient for row in by_patient_group(rows, [["20", "21"]])]
    assert groups == ["1 (all)", "1 (hem)", "20+21", "20+21"]
