"""Explanations: a heat map worked out by hand, and the way back into the original's pixels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.data.framing import window
from leukemia_tf.data.preprocess import preprocess
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.evaluation.predictions import answer
from leukemia_tf.explain.activations import activations, grid
from leukemia_tf.explain.frame import Frame, read_frame, share_inside, to_original
from leukemia_tf.explain.gradcam import gradcam
from leukemia_tf.models.decision import Decision
from leukemia_tf.models.network import LOGIT, load_network


def tiny_network(weights):
    """A 1x1 convolution of given weights, mean over space, and a logit of given weights."""
    cell = keras.Input((4, 4, 3))
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="conv")(cell)
    logit = keras.layers.Dense(1, use_bias=False, name=LOGIT)(keras.layers.GlobalAveragePooling2D()(maps))
    model = keras.Model(cell, keras.layers.Activation("sigmoid")(logit))
    model.get_layer("conv").kernel.assign(np.array([[1, 0], [0, 1], [0, 0]], np.float32)[None, None])
    model.get_layer(LOGIT).kernel.assign(np.array(weights, np.float32)[:, None])
    return model


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradcam_by_hand(sign):
    cells = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    got = gradcam(tiny_network([2.0, -1.0]), cells, [sign, sign], layer="conv")
    # the logit is the mean over 16 places of 2 a - b, so a map's gradient is its weight / 16 everywhere
    wanted = np.maximum(0, sign * (2 * cells[..., 0] - cells[..., 1]) / 16)
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def make_frame(image, size=64):
    box = tuple(int(v) for v in window(tf.constant(image)))
    cell = preprocess(tf.constant(image), Preprocessing(size))[None].numpy()
    return Frame(image, (box,), (cell,), answer("cell.bmp", 0.0, Decision()))


@pytest.mark.parametrize("box", [(20, 80, 30, 60), (0, 50, 10, 100), (90, 150, 5, 150), (0, 150, 0, 150)])
@pytest.mark.parametrize("size", [32, 150, 300])
def test_the_way_back_leads_to_the_same_pixels(box, size):
    """A cell with one bright corner: what the network sees, laid back, covers the bright corner in the original."""
    top, bottom, left, right = box
    image = np.zeros((150, 150, 3), np.uint8)
    image[top:bottom, left:right] = 60
    bright = np.zeros((150, 150), bool)
    bright[top : top + (bottom - top) // 2, left : left + (right - left) // 2] = True
    image[bright] = 200
    frame = make_frame(image, size)
    back = to_original(frame.cells[0][0].max(-1).astype(np.float32), frame)
    assert back.shape == (150, 150)
    rows, columns = np.nonzero(back > 130)
    wanted_rows, wanted_columns = np.nonzero(bright)
    step = max(1.0, frame.boxes[0][2] / size)
    for got, wanted in ((rows, wanted_rows), (columns, wanted_columns)):
        assert abs(got.min() - wanted.min()) <= step
        assert abs(got.max() - wanted.max()) <= step


def test_share_inside():
    heat = np.array([[1.0, 3.0], [0.0, 0.0]])
    assert share_inside(heat, np.array([[False, True], [True, True]])) == 0.75
    assert np.isnan(share_inside(np.zeros((2, 2)), np.ones((2, 2), bool)))


def test_activations_are_the_layers_outputs(tiny_run, tiny_cells):
    model = load_network(tiny_run.model)
    frame = read_frame(model, next(tiny_cells.rglob("*.bmp")))
    maps = activations(model, frame.cells[0])
    assert list(maps) == [f"block{i}_{kind}" for i in range(1, 5) for kind in ("conv", "pool")]
    first = keras.Model(model.input, model.get_layer("block1_conv").output)(frame.cells[0])[0]
    np.testing.assert_allclose(maps["block1_conv"], first, atol=1e-5)


def test_grid_puts_the_most_active_first():
    maps = np.zeros((2, 3, 20), np.float32)
    maps[0, 0, 7] = 9.0
    laid = grid(maps)
    assert laid.shape == (11, 15)
    assert laid[0, 0] == 1.0
    assert np.isnan(laid[2]).all()
    assert np.isnan(laid[:, 3]).all()
