"""Several networks as one model."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from leukemia_tf.models.calibration import Calibration
from leukemia_tf.models.layer_names import INPUT, LOGIT, PROBABILITY
from leukemia_tf.models.member import Member, Mix
from leukemia_tf.models.probability import Probability, get_calibration, set_calibration


def build_ensemble(
    networks: Sequence[keras.Model], weights: Sequence[float] | None = None, vote: bool = False
) -> keras.Model:
    """Build an ensemble; each member keeps its preprocessing, temperature and threshold.

    Parameters
    ----------
    networks : sequence of keras.Model
        Two or more networks of this package.
    weights : sequence of float, optional
        Of the members, summing to 1; equal by default.
    vote : bool
        Whether predictions are counted instead of probabilities averaged.

    Returns
    -------
    keras.Model
        A list of uint8 [n, size, size, 3], one per member and preprocessed for it -> float32 [n, 1], the probability of
        `all`. Its out-of-distribution check is the first member's.
    """
    weights = tuple(weights if weights is not None else [1 / len(networks)] * len(networks))
    cells, probabilities = [], []
    for number, network in enumerate(networks):
        cells.append(keras.Input(network.input.shape[1:], dtype="uint8", name=f"{INPUT}_{number}"))
        probabilities.append(Member(network, name=f"member_{number}")(cells[-1]))
    thresholds = tuple(get_calibration(network).threshold for network in networks) if vote else None
    members = layers.Concatenate(name="said")(probabilities)  # saved ensembles have this name
    logit = Mix(weights, thresholds, name=LOGIT)(members)
    model = keras.Model(cells, Probability(name=PROBABILITY)(logit), name="ensemble")
    set_calibration(model, Calibration(out_of_distribution=get_calibration(networks[0]).out_of_distribution))
    return model
