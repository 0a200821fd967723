"""Temperature and threshold against what is known of them."""

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from leukemia_tf.errors import UserError
from leukemia_tf.evaluation.calibration import choose_threshold, fit_temperature
from leukemia_tf.evaluation.predictions import sigmoid
from leukemia_tf.evaluation.thresholds import check_threshold
from leukemia_tf.models.decision import Decision, Likeness
from leukemia_tf.models.probability import Probability, decide_by, decision_of

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0.5, 2, 20_000)
LABELS = (RNG.random(20_000) < sigmoid(TRUE)).astype(int)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found(temperature):
    assert fit_temperature(LABELS, TRUE * temperature) == pytest.approx(temperature, rel=0.04)


def test_the_temperature_is_the_likeliest():
    labels, logits = LABELS[:80], 5 * TRUE[:80] + 1
    found = fit_temperature(labels, logits)
    losses = [log_loss(labels, sigmoid(logits / t)) for t in (0.97 * found, found, 1.03 * found)]
    assert losses[1] == min(losses)


def test_separable_cells_make_no_infinity():
    assert fit_temperature(np.array([0, 1]), np.array([-1.0, 1.0])) == pytest.approx(0.25, rel=0.01)


def test_youden_finds_the_best_sum():
    labels, probabilities = LABELS[:300], np.round(sigmoid(TRUE[:300]), 2)

    def youden(threshold):
        said = probabilities >= threshold
        return said[labels == 1].mean() - said[labels == 0].mean()

    best = max(map(youden, np.linspace(0, 1, 1001)))
    assert youden(choose_threshold(labels, probabilities, "youden")) == pytest.approx(best)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.999])
def test_a_wanted_sensitivity_is_reached_and_hardly_passed(share):
    labels, probabilities = LABELS[:500], sigmoid(TRUE[:500])
    threshold = choose_threshold(labels, probabilities, f"sensitivity:{share}")
    found = (probabilities >= threshold)[labels == 1].mean()
    assert share <= found < share + 1.5 / (labels == 1).sum()


def test_the_line_lies_between_two_cells():
    assert choose_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.7, 0.9]), "youden") == pytest.approx(0.5)


def test_a_number_is_taken_as_it_is():
    assert choose_threshold(LABELS, sigmoid(TRUE), "0.3") == 0.3


@pytest.mark.parametrize("rule", ["0", "1", "2", "much", "sensitivity", "sensitivity:1", "youden:0.5", "nan", ""])
def test_rules_that_cannot_be(rule):
    with pytest.raises(UserError, match=r"--threshold .*youden, or sensitivity:0\.95"):
        check_threshold(rule)


def test_a_decision_travels_with_the_network(tmp_path):
    logit = keras.Input((1,))
    model = keras.Model(logit, Probability(name="probability")(logit))
    decision = Decision(2.5, 0.7, Likeness((1.0, 2.0), ((3.0, 0.5), (0.5, 4.0)), 6.0))
    decide_by(model, decision)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert decision_of(again) == decision
    assert again(np.array([[5.0]], np.float32)).numpy()[0, 0] == pytest.approx(sigmoid(2.0))
