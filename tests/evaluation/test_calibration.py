"""Temperature and threshold against known values, and how they are fitted on a validation part."""

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.catalog import Cell
from leukemia_tf.evaluation.calibration import choose_threshold, fit_calibration, fit_temperature
from leukemia_tf.evaluation.predictions import sigmoid
from leukemia_tf.evaluation.thresholds import check_threshold
from leukemia_tf.models.calibration import Calibration, OutOfDistribution
from leukemia_tf.models.probability import Probability, get_calibration, set_calibration

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0.5, 2, 20_000)
LABELS = (RNG.random(20_000) < sigmoid(TRUE)).astype(int)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_recovered(temperature):
    assert fit_temperature(LABELS, TRUE * temperature) == pytest.approx(temperature, rel=0.04)


def test_the_temperature_has_the_highest_likelihood():
    labels, logits = LABELS[:80], 5 * TRUE[:80] + 1
    fitted = fit_temperature(labels, logits)
    losses = [log_loss(labels, sigmoid(logits / t)) for t in (0.97 * fitted, fitted, 1.03 * fitted)]
    assert losses[1] == min(losses)


def test_separable_cells_make_no_infinity():
    assert fit_temperature(np.array([0, 1]), np.array([-1.0, 1.0])) == pytest.approx(0.25, rel=0.01)


def test_youden_finds_the_best_sum():
    labels, probabilities = LABELS[:300], np.round(sigmoid(TRUE[:300]), 2)

    def youden(threshold):
        predicted = probabilities >= threshold
        return predicted[labels == 1].mean() - predicted[labels == 0].mean()

    best = max(map(youden, np.linspace(0, 1, 1001)))
    assert youden(choose_threshold(labels, probabilities, "youden")) == pytest.approx(best)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.999])
def test_a_requested_sensitivity_is_reached_and_hardly_exceeded(share):
    labels, probabilities = LABELS[:500], sigmoid(TRUE[:500])
    threshold = choose_threshold(labels, probabilities, f"sensitivity:{share}")
    sensitivity = (probabilities >= threshold)[labels == 1].mean()
    assert share <= sensitivity < share + 1.5 / (labels == 1).sum()


def test_the_threshold_lies_between_two_cells():
    assert choose_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9]), "youden") == pytest.approx(0.5)


def test_a_number_is_taken_as_it_is():
    assert choose_threshold(LABELS, sigmoid(TRUE), "0.3") == 0.3


def test_a_calibration_is_fitted_on_validation_cells():
    cells = [Cell("", ("hem", "all")[label], "") for label in LABELS[:300]]
    logits = 3 * TRUE[:300]
    calibration = fit_calibration(cells, logits, "youden", None)
    assert calibration.temperature == fit_temperature(LABELS[:300], logits)
    probabilities = sigmoid(logits / calibration.temperature)
    assert calibration.threshold == choose_threshold(LABELS[:300], probabilities, "youden")


def test_no_calibration_where_a_class_is_missing(caplog):
    assert fit_calibration([], None, "0.3", None) == Calibration(1.0, 0.3)
    assert "the validation part lacks all and hem: no temperature" in caplog.text
    assert fit_calibration([Cell("", "all", "")], np.ones(1), "youden", None) == Calibration(1.0, 0.5)
    assert "lacks hem: no temperature, and `threshold=youden` cannot be fitted: it is 0.5" in caplog.text


@pytest.mark.parametrize("rule", ["0", "1", "2", "much", "sensitivity", "sensitivity:1", "youden:0.5", "nan", ""])
def test_rules_that_cannot_be(rule):
    with pytest.raises(ArgumentError, match=r"`threshold`: .*youden, or a rule such as sensitivity:0\.95.*Received"):
        check_threshold(rule)


def test_a_calibration_is_stored_with_the_network(tmp_path):
    logit = keras.Input((1,))
    model = keras.Model(logit, Probability(name="probability")(logit))
    calibration = Calibration(2.5, 0.7, OutOfDistribution((1.0, 2.0), ((3.0, 0.5), (0.5, 4.0)), 6.0))
    set_calibration(model, calibration)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert get_calibration(again) == calibration
    assert again(np.array([[5.0]], np.float32)).numpy()[0, 0] == pytest.approx(sigmoid(2.0))
