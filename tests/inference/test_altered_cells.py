"""Logits of altered pictures: those of `predict` where nothing is altered, and a network that reads the area alone."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from leukemia_tf.data.alterations import ALTERATIONS, Amounts
from leukemia_tf.data.cell_picture import cell_picture
from leukemia_tf.data.preprocessing import BACKGROUND
from leukemia_tf.data.synthetic import draw_cells
from leukemia_tf.evaluation.stress_scores import stress_scores, verdict
from leukemia_tf.inference.altered_cells import altered_logits
from leukemia_tf.inference.predictor import Predictor
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.layer_names import INPUT, LOGIT, PROBABILITY, SCALE
from leukemia_tf.models.network import load_network
from leukemia_tf.models.probability import Probability

SIDE, AREA = 120, 3000


def reader_of_area():
    """A network by hand whose logit is the logarithm of the cell's area, in steps of a twentieth."""
    cells = keras.Input((SIDE, SIDE, 3), dtype="uint8", name=INPUT)
    scaled = CellInput("inside", {"image_size": SIDE, "framing": "none"}, name=SCALE)(cells)
    inside = ops.cast(ops.max(ops.cast(cells, "float32"), axis=-1) > BACKGROUND, "float32")
    area = ops.sum(inside, axis=(1, 2)) + 0 * ops.sum(scaled, axis=(1, 2, 3))
    steps = ops.round(20 * ops.log(ops.maximum(area, 1) / AREA)) / 20
    logit = keras.layers.Identity(name=LOGIT)(steps[:, None])
    return keras.Model(cells, Probability(name=PROBABILITY)(logit))


@pytest.fixture(scope="module")
def cells():
    drawn = list(draw_cells(patients=6, cells=3, seed=5, side=SIDE))
    return [cell_picture(pixels, number) for number, (_, pixels) in enumerate(drawn)]


def answers(model, cells):
    pairs = list(altered_logits(model, [partial(lambda cell: cell, cell) for cell in cells], Amounts(AREA, 5, 0.1)))
    return tuple(np.stack(column, axis=1) for column in zip(*pairs))


def test_a_network_that_reads_the_area_alone(cells):
    logits, unlike = answers(reader_of_area(), cells)
    assert logits.shape == unlike.shape == (1 + len(ALTERATIONS), len(cells))
    assert not unlike.any()
    labels = (logits[0] > np.median(logits[0])).astype(int)
    patients = np.array([f"{label}-{number % 5}" for number, label in enumerate(labels)])
    scores = stress_scores(labels, 1 / (1 + np.exp(-logits)), patients, 0.5, unlike)
    rows = {row["name"]: row for row in scores["rows"]}
    assert scores["base"]["auroc_by_patient"] == 1
    for name in ("inside filled with its mean", "only the rim of 6 pixels", "greyscale", "pixels shuffled"):
        assert (rows[name]["difference"]["value"], rows[name]["auroc"]) == (0, 1), name
    for name in ("scaled to one size", "a disc of one size"):
        assert (rows[name]["auroc_by_patient"], rows[name]["auroc"]) == (0.5, 0.5), name
    assert verdict(scores)[0].startswith("Its AUROC by patient is 0.500")
    for name in ("mirrored", "turned by 90 degrees", "blurred by 1 pixel", "brighter", "less haematoxylin"):
        np.testing.assert_array_equal(logits[1 + [one.name for one in ALTERATIONS].index(name)], logits[0])


def test_unaltered_cells_are_answered_as_by_predict(tiny_run, cells):
    model = load_network(tiny_run.model)
    logits, unlike = answers(model, cells[:5])
    rows = Predictor(model).predict([cell.pixels for cell in cells[:5]])
    np.testing.assert_allclose(logits[0], [row.logit for row in rows], atol=1e-4)
    assert unlike[0].tolist() == [row.status != "ok" for row in rows]
    assert np.ptp(logits, axis=0).min() > 0  # the alterations matter
