"""Intervals over patients: against Obuchowski's and DeLong's formulas written as loops, known answers, coverage."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import beta, norm, t

from leukemia_tf.evaluation import intervals
from leukemia_tf.evaluation.intervals import (
    clopper_pearson,
    mean_over_patients,
    paired_difference,
    per_patient,
    score_with_intervals,
    t_interval,
)
from leukemia_tf.evaluation.metrics import METRICS, all_metrics
from leukemia_tf.evaluation.scores import format_score


def study(patients=(12, 8), cells=15, spread=1.0, seed=0, shift=1.2):
    """Draw labels, probabilities and names of patients who resemble themselves."""
    rng = np.random.default_rng(seed)
    label = np.repeat([1, 0], patients)
    sizes = np.broadcast_to(cells, len(label))
    patient = np.repeat(np.arange(len(label)), sizes)
    logits = shift * (2 * label - 1)[patient] + spread * rng.normal(size=len(label))[patient]
    logits = np.round(logits + rng.normal(size=len(patient)), 1)  # with ties
    return label[patient], 1 / (1 + np.exp(-logits)), np.array([f"p{one:02}" for one in patient])


def obuchowski_variance(labels, scores, patients):
    """Obuchowski 1997, equations 3-6, cell by cell, for patients with cells of one class."""

    def kernel(x, y):
        return 1.0 if x > y else 0.5 if x == y else 0.0

    positives, negatives = scores[labels == 1], scores[labels == 0]
    area = np.mean([[kernel(x, y) for y in negatives] for x in positives])
    variance = 0.0
    for label, other in ((1, negatives), (0, positives)):
        names = sorted(set(patients[labels == label]))
        total, count = (labels == label).sum(), len(names)
        deviations = 0.0
        for name in names:
            sums = 0.0
            for score in scores[patients == name]:
                component = [kernel(score, x) if label else kernel(x, score) for x in other]
                sums += np.mean(component)
            deviations += (sums - (patients == name).sum() * area) ** 2
        variance += count / (count - 1) * deviations / total**2
    return area, variance


@pytest.mark.parametrize("cells", [1, 4])
def test_the_error_is_obuchowskis(cells):
    """Exactly so where each patient has as many cells; with one cell each it is DeLong's."""
    labels, scores, patients = study((6, 7), cells)
    area, variance = obuchowski_variance(labels, scores, patients)
    classes, weights = intervals._leave_one_out(labels, patients)
    values = all_metrics(labels, scores, patients, weights)["auroc"]
    error, quantile = t_interval(values, [(one.members, len(one.members)) for one in classes])
    assert (values[0], error**2) == pytest.approx((area, variance))
    assert t.ppf(0.975, 5) > quantile > t.ppf(0.975, 11)


def test_the_error_is_no_smaller_than_obuchowskis_with_unequal_patients():
    labels, scores, patients = study((6, 7), np.array([30, 1, 2, 5, 9, 3, 25, 4, 4, 1, 2, 12, 6]))
    classes, weights = intervals._leave_one_out(labels, patients)
    values = all_metrics(labels, scores, patients, weights)["auroc"]
    error, _ = t_interval(values, [(one.members, len(one.members)) for one in classes])
    assert error > np.sqrt(obuchowski_variance(labels, scores, patients)[1])


def test_welch_is_the_t_interval_of_two_means():
    values = np.array([3.0, 4.5, 5.0, 8.0, 1.0, 1.5, 2.0, 2.5, 6.0])
    first = [np.delete(values[:4], index).mean() - values[4:].mean() for index in range(4)]
    second = [values[:4].mean() - np.delete(values[4:], index).mean() for index in range(5)]
    error, quantile = t_interval(np.r_[0.0, first, second], [(np.arange(4), 4), (np.arange(4, 9), 5)])
    a, b = values[:4].var(ddof=1) / 4, values[4:].var(ddof=1) / 5
    assert error == pytest.approx(np.sqrt(a + b))
    assert quantile == pytest.approx(t.ppf(0.975, (a + b) ** 2 / (a**2 / 3 + b**2 / 4)))


def test_exact_intervals_of_patients():
    assert clopper_pearson(1, 11) == pytest.approx((0.7151, 1), abs=5e-5)  # 11 of 11
    assert clopper_pearson(0, 11) == pytest.approx((0, 0.2849), abs=5e-5)
    labels, probabilities = np.repeat([1, 0], (11, 9)), np.r_[np.linspace(0.6, 0.9, 11), np.full(7, 0.2), 0.7, 0.8]
    scores = score_with_intervals(labels, probabilities, np.arange(20).astype(str))
    assert format_score(scores["sensitivity"]) == "1.000 [0.715, 1.000]"
    expected = beta.ppf(0.025, 7, 3), beta.ppf(0.975, 8, 2)  # 7 of 9
    assert (scores["specificity"]["low"], scores["specificity"]["high"]) == pytest.approx(expected)
    assert scores["ppv"]["low"] == pytest.approx(beta.ppf(0.025, 11, 3))  # 11 of 13


def test_no_interval_from_fewer_than_five_patients_of_a_needed_class():
    scores = score_with_intervals(*study((12, 4)))
    assert np.isfinite(scores["sensitivity"]["low"])
    for name in set(METRICS) - {"sensitivity"}:
        assert np.isfinite(scores[name]["value"])
        assert np.isnan([scores[name]["low"], scores[name]["high"]]).all(), name
    assert format_score(scores["auroc"]).endswith("[no interval]")
    labels, probabilities, patients = study((12, 4))
    assert np.isnan(paired_difference(labels, probabilities, probabilities**2, patients)["brier"]["low"])
    assert np.isnan(mean_over_patients(probabilities, labels, patients)["low"])


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only(label):
    chosen = [values[study()[0] == label] for values in study()]
    scores = score_with_intervals(*chosen)
    assert all(np.isnan(value) for value in scores["auroc"].values())
    assert scores["accuracy"]["low"] < scores["accuracy"]["value"] < scores["accuracy"]["high"]


def test_a_perfect_score_has_the_interval_of_the_smaller_class():
    labels, _, patients = study((12, 8))
    scores = score_with_intervals(labels, np.where(labels == 1, 0.9, 0.1), patients)
    assert scores["auroc"]["high"] == 1
    assert scores["auroc"]["low"] == pytest.approx(0.025 ** (1 / 8))
    assert scores["sensitivity"]["low"] == pytest.approx(0.025 ** (1 / 12))
    assert np.isnan(scores["worst_accuracy"]["low"])


def test_few_large_patients_count_as_few():
    equal = score_with_intervals(*study((12, 12), 20))["auroc"]
    sizes = np.full(24, 2)
    sizes[[12, 13]] = 200  # of the healthy patients
    unequal = score_with_intervals(*study((12, 12), sizes))
    assert unequal["auroc"]["high"] - unequal["auroc"]["low"] > 1.5 * (equal["high"] - equal["low"])
    by_patient = unequal["auroc_by_patient"]
    assert by_patient["high"] - by_patient["low"] < 1.5 * (equal["high"] - equal["low"])


def test_intervals_allow_for_correlated_cells_of_a_patient():
    labels, probabilities, patients = study((10, 10), 50, spread=1.5)
    by_patient = score_with_intervals(labels, probabilities, patients)["auroc"]
    by_cell = score_with_intervals(labels, probabilities, np.arange(1000).astype(str))["auroc"]
    assert by_patient["low"] < by_patient["value"] == by_cell["value"] < by_patient["high"]
    assert by_patient["high"] - by_patient["low"] > 3 * (by_cell["high"] - by_cell["low"])


def test_intervals_depend_on_no_order_and_no_name():
    labels, probabilities, patients = study()
    order = np.random.default_rng(1).permutation(len(labels))
    renamed = np.array([f"q{99 - int(name[1:])}" for name in patients])
    first = score_with_intervals(labels, probabilities, patients)
    second = score_with_intervals(labels[order], probabilities[order], renamed[order])
    swapped = score_with_intervals(1 - labels, 1 - probabilities, patients)
    for name in METRICS:
        assert list(second[name].values()) == pytest.approx(list(first[name].values()), nan_ok=True), name
    for name in ("auroc", "auroc_by_patient", "brier"):
        assert list(swapped[name].values()) == pytest.approx(list(first[name].values())), name


def test_per_patient():
    labels, mean, names = per_patient(np.array([1, 0, 1]), np.array([0.2, 0.5, 0.6]), np.array(["b", "a", "b"]))
    assert names.tolist() == ["a", "b"]
    assert labels.tolist() == [0, 1]
    np.testing.assert_allclose(mean, [0.5, 0.4])


def test_mean_over_patients_is_the_t_interval_of_one_class():
    values, patients = np.array([1.0, 3.0, 4.0, 4.0, 6.0, 7.0, np.nan]), np.array(list("aabcdef"))
    score = mean_over_patients(values, np.ones(7, int), patients)
    means = np.array([2.0, 4, 4, 6, 7])
    reach = t.ppf(0.975, 4) * means.std(ddof=1) / np.sqrt(5)
    assert list(score.values()) == pytest.approx([means.mean(), means.mean() - reach, means.mean() + reach])


def test_paired_difference_is_narrower_than_two_intervals():
    labels, one, patients = study((10, 10), 10)
    rng = np.random.default_rng(0)
    other = 1 / (1 + np.exp(-np.log(one / (1 - one)) - rng.normal(0, 0.7, len(one))))
    difference = paired_difference(labels, one, other, patients)["auroc"]
    first, second = (score_with_intervals(labels, p, patients)["auroc"] for p in (one, other))
    assert difference["value"] == pytest.approx(first["value"] - second["value"])
    assert difference["low"] < difference["value"] < difference["high"]
    assert difference["high"] - difference["low"] < 0.7 * (
        first["high"] - first["low"] + second["high"] - second["low"]
    )
    reverse = paired_difference(labels, other, one, patients)["auroc"]
    assert (reverse["low"], reverse["high"]) == pytest.approx((-difference["high"], -difference["low"]))
    same = paired_difference(labels, one, one, patients)["auroc"]
    assert same["value"] == 0
    assert np.isnan(same["low"])  # no patient makes a difference, so nothing tells how large it may be


@pytest.mark.slow
def test_the_benchmark_covers_the_truth():
    """Its table with few repeats: this package's intervals cover, the bootstrap over few patients does not."""
    path = Path(__file__).parents[2] / "benchmarks" / "coverage.py"
    spec = importlib.util.spec_from_file_location("benchmark_coverage", path)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    table = benchmark.measure(repeats=25)
    for design, one in table["over cells: AUROC by patient"].items():
        assert 0.90 <= one["mean"] <= 1, design
    for row in ("over cells: AUROC", "over patients: sensitivity", "mean over patients of the logit"):
        assert min(one["mean"] for one in table[row].values()) >= 0.89, row
    assert "4+2" not in table["over cells: AUROC"]
    assert table["bootstrap, BCa (before): AUROC"]["4+2"]["mean"] < 0.8


def test_the_truth_is_covered_quickly():
    """A few hundred studies of equal patients: the share that covers is 95 % within its error."""
    truth = norm.cdf(2.4 / np.sqrt(2 * 2))
    scores = [score_with_intervals(*study((8, 8), 6, 1.0, seed)) for seed in range(150)]
    covered = [one["auroc"]["low"] <= truth <= one["auroc"]["high"] for one in scores]
    assert 0.90 <= np.mean(covered) <= 0.99
