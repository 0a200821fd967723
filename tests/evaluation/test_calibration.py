"""Temperature and threshold against known values, and how they are fitted on a validation part."""

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.evaluation.calibration import HIGHEST, LOWEST, fit_calibration, fit_temperature
from leukemia_tf.evaluation.predictions import sigmoid
from leukemia_tf.evaluation.thresholds import check_threshold, choose_threshold
from leukemia_tf.models.calibration import Calibration, OutOfDistribution
from leukemia_tf.models.probability import Probability, get_calibration, set_calibration

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0.5, 2, 20_000)
LABELS = (RNG.random(20_000) < sigmoid(TRUE)).astype(int)


ALONE = np.arange(20_000).astype(str)  # every cell is a patient


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_recovered(temperature):
    assert fit_temperature(LABELS, TRUE * temperature, ALONE) == pytest.approx(temperature, rel=0.04)


def test_the_temperature_has_the_highest_likelihood():
    labels, logits, patients = LABELS[:80], 5 * TRUE[:80] + 1, np.repeat(ALONE[:8], (1, 2, 3, 4, 10, 20, 20, 20))
    fitted = fit_temperature(labels, logits, patients)
    weights = 1 / np.repeat((1, 2, 3, 4, 10, 20, 20, 20), (1, 2, 3, 4, 10, 20, 20, 20))
    scaled = [sigmoid(logits / t) for t in (0.97 * fitted, fitted, 1.03 * fitted)]
    losses = [log_loss(labels, probabilities, sample_weight=weights) for probabilities in scaled]
    assert losses[1] == min(losses)


def wrong_in(counts, cells):
    """Return labels, logits of +-3 and patients: each patient of n cells has so many wrong ones; labels alternate."""
    labels, logits, patients = [], [], []
    for number, (wrong, n) in enumerate(zip(counts, cells)):
        label = number % 2
        right = np.arange(n) >= wrong
        labels += [label] * n
        logits += np.where(right == bool(label), 3.0, -3.0).tolist()
        patients += [f"{number}"] * n
    return np.array(labels), np.array(logits), np.array(patients)


def test_the_temperature_of_equal_patients_is_the_analytic_one():
    # at |logit| 3 the best probability of the right class is the share of right cells, q: 3 / T = log(q / (1 - q))
    labels, logits, patients = wrong_in([1, 1, 2, 2, 3, 3, 2, 2, 2, 2], [10] * 10)
    assert fit_temperature(labels, logits, patients) == pytest.approx(3 / np.log(0.8 / 0.2))


def test_a_patient_with_385_cells_does_not_outweigh_the_others():
    many = [1, 1, 2, 2, 3, 3, 2, 2, 2, 77]  # 77 of 385 wrong: a fifth, as before
    labels, logits, patients = wrong_in(many, [10] * 9 + [385])
    assert fit_temperature(labels, logits, patients) == pytest.approx(3 / np.log(0.8 / 0.2))
    labels, logits, patients = wrong_in([*many[:9], 0], [10] * 9 + [385])  # his cells are all right now
    assert fit_temperature(labels, logits, patients) == pytest.approx(3 / np.log(0.82 / 0.18))


def test_bounds_are_exact():
    two = np.array(["1", "2"])
    assert fit_temperature(np.array([0, 1]), np.array([-1.0, 1.0]), two) == LOWEST
    assert fit_temperature(np.array([1, 0]), np.array([-1.0, 1.0]), two) == HIGHEST


def test_youden_finds_the_best_sum_of_means_over_patients():
    labels, probabilities = LABELS[:300], np.round(sigmoid(TRUE[:300]), 2)
    patients = np.where(labels == 1, "all", "hem") + np.repeat(np.arange(6), (5, 15, 30, 50, 80, 120)).astype(str)

    def youden(threshold):
        right = (probabilities >= threshold) == (labels == 1)
        shares = [[right[patients == name].mean() for name in set(patients) if name[0] == kind] for kind in "ah"]
        return sum(map(np.mean, shares))

    best = max(map(youden, np.linspace(0, 1, 1001)))
    assert youden(choose_threshold(labels, probabilities, "youden", patients)) == pytest.approx(best)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.999])
def test_a_requested_sensitivity_is_reached_and_hardly_exceeded(share):
    labels, probabilities = LABELS[:500], sigmoid(TRUE[:500])
    threshold = choose_threshold(labels, probabilities, f"sensitivity:{share}", ALONE[:500])
    sensitivity = (probabilities >= threshold)[labels == 1].mean()
    assert share <= sensitivity < share + 1.5 / (labels == 1).sum()


def test_a_requested_sensitivity_is_that_of_the_mean_patient():
    labels, patients = np.array([1] * 101 + [0]), np.array(["big"] * 100 + ["small", "H"])
    probabilities = np.array([0.9] * 100 + [0.4, 0.1])
    assert choose_threshold(labels, probabilities, "sensitivity:0.5", patients) == pytest.approx(0.65)
    assert choose_threshold(labels, probabilities, "sensitivity:0.9", patients) == pytest.approx(0.25)


def test_the_threshold_lies_between_two_cells():
    labels, probabilities = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9])
    assert choose_threshold(labels, probabilities, "youden", ALONE[:4]) == pytest.approx(0.5)


def test_a_number_is_taken_as_it_is():
    assert choose_threshold(LABELS, sigmoid(TRUE), "0.3", ALONE) == 0.3


def test_a_calibration_is_fitted_with_its_jackknife_ranges():
    labels, logits, patients = wrong_in([1, 1, 2, 2, 3, 3, 2, 2, 2, 2], [10] * 10)
    calibration = fit_calibration(labels, logits, patients, "youden")
    assert calibration.temperature == fit_temperature(labels, logits, patients)
    # without a patient who has 3 of 10 wrong cells, and without one who has 1: 17 and 19 of 90 are wrong
    ends = [3 / np.log((90 - wrong) / wrong) for wrong in (17, 19)]
    assert calibration.temperature_range == pytest.approx(tuple(ends))
    assert calibration.threshold == choose_threshold(
        labels, sigmoid(logits / calibration.temperature), "youden", patients
    )
    low, high = calibration.threshold_range
    assert low <= calibration.threshold <= high
    assert calibration.cautions == ()


@pytest.mark.parametrize(
    ("factor", "words"), [(1, "ends at its bound, 0.25, since errors"), (-1, "its bound, 20, since")]
)
def test_no_temperature_at_a_bound(factor, words):
    labels, logits, patients = wrong_in([0] * 10, [10] * 10)
    calibration = fit_calibration(labels, factor * logits, patients, "0.4")
    assert (calibration.temperature, calibration.temperature_range, calibration.threshold) == (1.0, None, 0.4)
    (sentence,) = calibration.cautions
    assert "not calibrated (temperature 1)" in sentence
    assert words in sentence


def test_nothing_is_fitted_from_four_patients_of_a_class():
    labels, logits, patients = wrong_in([2] * 10, [10] * 10)
    few = patients != "9"  # of the class `all`
    for rule in ("youden", "sensitivity:0.95"):
        calibration = fit_calibration(labels[few], logits[few], patients[few], rule)
        assert (calibration.temperature, calibration.threshold) == (1.0, 0.5)
        assert (calibration.temperature_range, calibration.threshold_range) == (None, None)
        temperature, threshold = calibration.cautions
        assert "4 ALL (leukemic) and 5 HEM (normal) patients, and a fit needs 5 of each class" in temperature
        assert f"The threshold is 0.5, and not fitted by the rule {rule}" in threshold
    assert fit_calibration(labels, logits, patients, "youden").cautions == ()


def test_nothing_is_fitted_where_there_are_no_cells_or_one_class():
    nobody = np.zeros(0)
    calibration = fit_calibration(nobody, nobody, nobody, "0.3")
    assert (calibration.temperature, calibration.threshold) == (1.0, 0.3)
    assert calibration.cautions == (
        "The probability is not calibrated (temperature 1): there are no validation patients.",
    )
    assert fit_calibration(np.ones(20), np.ones(20), ALONE[:20], "youden").threshold == 0.5


@pytest.mark.parametrize("rule", ["0", "1", "2", "much", "sensitivity", "sensitivity:1", "youden:0.5", "nan", ""])
def test_rules_that_cannot_be(rule):
    with pytest.raises(ArgumentError, match=r"`threshold`: .*youden, or a rule such as sensitivity:0\.95.*Received"):
        check_threshold(rule)


def test_a_calibration_is_stored_with_the_network(tmp_path):
    logit = keras.Input((1,))
    model = keras.Model(logit, Probability(name="probability")(logit))
    ellipsoid = OutOfDistribution((1.0, 2.0), ((3.0, 0.5), (0.5, 4.0)), 6.0)
    calibration = Calibration(2.5, 0.7, ellipsoid, (2.0, 3.0), (0.6, 0.8), ("why",))
    set_calibration(model, calibration)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert get_calibration(again) == calibration
    assert again(np.array([[5.0]], np.float32)).numpy()[0, 0] == pytest.approx(sigmoid(2.0))


def test_a_network_of_an_earlier_version_keeps_its_calibration():
    layer = Probability.from_config(
        {"name": "probability", "decision": {"temperature": 2.0, "threshold": 0.4, "likeness": None}}
    )
    assert layer.calibration == Calibration(2.0, 0.4)
