"""Each metric against scikit-learn, weighted and with ties."""

import numpy as np
import pytest
from sklearn import metrics as sk

from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.predictions import Prediction, by_patient_group

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


def test_patient_groups():
    rows = [Prediction("", name, label) for name, label in [("1", "all"), ("1", "hem"), ("20", "all"), ("21", "all")]]
    groups = [row.patient for row in by_patient_group(rows, [["20", "21"]])]
    assert groups == ["1 (all)", "1 (hem)", "20+21", "20+21"]
