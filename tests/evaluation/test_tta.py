"""Test-time augmentation: the views, and the mean logit over them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.dihedral import dihedral
from leukemia_tf.evaluation.tta import COUNTS, check_tta, predict_views, views_of

CELLS = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def test_dihedral_views_are_those_of_the_augmentation():
    views = views_of(tf.constant(CELLS), "dihedral").numpy()
    for choice in range(8):
        np.testing.assert_array_equal(views[:, choice], dihedral(tf.constant(CELLS), tf.fill([3], choice)))


def test_crops():
    views = views_of(tf.constant(CELLS), "ten-crop").numpy()
    assert views.shape == (3, 10, 16, 16, 3)
    expected = tf.image.resize(CELLS[:, 2:, :14], (16, 16))  # 14 = 0.875 of 16: at the bottom left
    np.testing.assert_allclose(views[:, 2], expected, atol=0.51)
    np.testing.assert_array_equal(views[:, 5:], views[:, :5, :, ::-1])
    np.testing.assert_array_equal(views[:, :5], views_of(tf.constant(CELLS), "five-crop"))


@pytest.mark.parametrize("tta", COUNTS)
def test_the_logit_is_the_mean_over_the_views(tta):
    cell = keras.Input((16, 16, 3), dtype="uint8")
    corner = keras.ops.cast(cell, "float32")[:, :3, :5, 0]
    model = keras.Model(cell, keras.layers.Dense(1, name="logit")(keras.layers.Flatten()(corner)))
    logits = predict_views(model, [CELLS], tta, 2)
    views = views_of(tf.constant(CELLS), tta).numpy()
    expected = [np.mean([model(view[None]).numpy() for view in of_cell]) for of_cell in views]
    np.testing.assert_allclose(logits, expected, rtol=1e-5)


def test_other_views_are_refused():
    with pytest.raises(ArgumentError, match=r"`tta`: did you mean dihedral.* Received: tta='dihedrals'"):
        check_tta("dihedrals")
