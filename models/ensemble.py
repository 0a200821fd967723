"""Several networks as one."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from leukemia_tf.models.decision import Decision
from leukemia_tf.models.member import Member, Mix
from leukemia_tf.models.network import INPUT, LOGIT, PROBABILITY
from leukemia_tf.models.probability import Probability, decide_by, decision_of


def build_ensemble(
    networks: Sequence[keras.Model], weights: Sequence[float] | None = None, vote: bool = False
) -> keras.Model:
    """Put networks side by side, each with its own preprocessing, temperature and threshold.

    Parameters
    ----------
    networks : sequence of keras.Model
        Two or more networks of this package.
    weights : sequence of float, optional
        How much each has to say, summing to 1; all alike by default.
    vote : bool
        Whether answers are counted rather than probabilities averaged.

    Returns
    -------
    keras.Model
        A list of uint8 [n, size, size, 3], a picture a member, each as that member wants it -> float32 [n, 1], the
        probability of `all`. It knows what the first member knows of cells unlike the training's.
    """
    weights = tuple(weights if weights is not None else [1 / len(networks)] * len(networks))
    cells, said = [], []
    for number, network in enumerate(networks):
        cells.append(keras.Input(network.input.shape[1:], dtype="uint8", name=f"{INPUT}_{number}"))
        said.append(Member(network, name=f"member_{number}")(cells[-1]))
    thresholds = tuple(decision_of(network).threshold for network in networks) if vote else None
    logit = Mix(weights, thresholds, name=LOGIT)(layers.Concatenate(name="said")(said))
    model = keras.Model(cells, Probability(name=PROBABILITY)(logit), name="ensemble")
    decide_by(model, Decision(likeness=decision_of(networks[0]).likeness))
    return model
