"""The verdict on a temperature: on cases where the truth is known."""

import json

import numpy as np
import pytest

from leukemia_tf.core.files import as_json
from leukemia_tf.evaluation.decision import calibration_verdict, decision_record, log_losses
from leukemia_tf.evaluation.predictions import Prediction, sigmoid
from leukemia_tf.models.calibration import Calibration


def overconfident(patients, factor, cells=40, seed=0):
    """Return predictions whose logits are the true log-odds times a factor, of so many patients a class."""
    rng, rows = np.random.default_rng(seed), []
    while len(rows) < 2 * patients * cells:
        true = rng.normal(0, 1.5)
        label = "all" if rng.random() < sigmoid(true) else "hem"
        if sum(row.label == label for row in rows) < patients * cells:
            number = sum(row.label == label for row in rows) // cells
            rows.append(Prediction(f"{len(rows)}", f"{label}{number}", label, factor * true, 0.5))
    return rows


@pytest.mark.parametrize(("factor", "temperature", "verdict"), [(4, 4.0, "better"), (1, 0.3, "worse"), (1, 1.02, None)])
def test_the_verdict_is_the_truth(factor, temperature, verdict):
    given, change = calibration_verdict(temperature, overconfident(12, factor))
    assert given == (verdict or "cannot be told")
    assert change["low"] <= change["value"] <= change["high"]


def test_the_change_is_the_mean_over_patients_of_the_log_loss():
    rows = [Prediction("a", "1", "all", 2.0, 0.5)] * 9 + [Prediction("b", "2", "all", -2.0, 0.5)]
    _, change = calibration_verdict(2.0, rows)
    per_patient = [np.log1p(np.exp(-side)) - np.log1p(np.exp(-2 * side)) for side in (1.0, -1.0)]
    assert change["value"] == pytest.approx(np.mean(per_patient))
    np.testing.assert_allclose(log_losses(np.array([1, 0]), np.array([2.0, 2.0])), np.log1p(np.exp([-2.0, 2.0])))


def test_it_cannot_be_told_from_four_patients_of_a_class():
    verdict, change = calibration_verdict(4.0, overconfident(4, 4))
    assert (verdict, change["low"], change["high"]) == ("cannot be told", None, None)
    assert change["value"] < -0.2
    one_class = [row for row in overconfident(12, 4) if row.label == "all"]
    assert calibration_verdict(4.0, one_class)[0] == "cannot be told"


def test_the_record_is_json_as_it_is():
    rows = overconfident(4, 4)
    fitted = Calibration(4.0, 0.3, None, (3.5, 4.5), None)
    record = decision_record(fitted, rows)
    assert json.loads(as_json(record)) == record
    assert (record["temperature_low"], record["temperature_high"], record["threshold_low"]) == (3.5, 4.5, None)
    record = decision_record(Calibration(1.0, 0.5, cautions=("why",)), rows)
    assert (record["calibration_verdict"], record["cautions"]) == ("not calibrated", ["why"])
