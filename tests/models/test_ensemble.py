"""Several networks as one: the mean and the vote by hand, each member by its own preprocessing, saved and loaded."""

import keras
import numpy as np
import pytest

from leukemia_tf.models.calibration import Calibration
from leukemia_tf.models.ensemble import build_ensemble
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import build_network, load_network, predict_logits, preprocessings_of
from leukemia_tf.models.probability import set_calibration
from leukemia_tf.models.table import find_architecture

SIZES = (60, 72)
RNG = np.random.default_rng(0)
CELLS = [RNG.integers(0, 256, (5, size, size, 3), dtype=np.uint8) for size in SIZES]
THRESHOLDS = (0.45, 0.55)


@pytest.fixture(scope="module")
def networks():
    networks = []
    for number, size in enumerate(SIZES):
        keras.utils.set_random_seed(number)
        preprocessing = {"image_size": size, "framing": "cell", "contrast": "none"}
        network = build_network(find_architecture("scratch"), preprocessing=preprocessing)
        set_calibration(network, Calibration(temperature=1 + number, threshold=THRESHOLDS[number]))
        network = keras.models.clone_model(network)  # traced with its calibration
        networks.append(network)
    return networks


def probabilities(networks):
    return np.stack([network.predict(cells, verbose=0)[:, 0] for network, cells in zip(networks, CELLS)])


def test_the_mean_of_calibrated_probabilities(networks):
    model = build_ensemble(networks, (0.25, 0.75))
    wanted = np.array([0.25, 0.75]) @ probabilities(networks)
    np.testing.assert_allclose(model.predict(CELLS, verbose=0)[:, 0], wanted, rtol=1e-5)
    np.testing.assert_allclose(predict_logits(model, CELLS), np.log(wanted / (1 - wanted)), rtol=1e-4, atol=1e-5)


def test_the_vote_counts_each_members_prediction(networks):
    votes = (probabilities(networks) >= np.array(THRESHOLDS)[:, None]).mean(0)
    probability = build_ensemble(networks, vote=True).predict(CELLS, verbose=0)[:, 0]
    np.testing.assert_allclose(probability, votes, atol=1e-5)


def test_saved_and_loaded(networks, tmp_path):
    model = build_ensemble(networks)
    set_calibration(model, Calibration(temperature=1.5, threshold=0.4))
    model.save(tmp_path / "model.keras")
    again = load_network(tmp_path / "model.keras")
    np.testing.assert_array_equal(predict_logits(again, CELLS), predict_logits(model, CELLS))
    assert [settings["image_size"] for settings in preprocessings_of(again)] == list(SIZES)
    assert [member.name for member in members_of(again)] == [network.name for network in networks]
    assert members_of(networks[0]) == [networks[0]]
