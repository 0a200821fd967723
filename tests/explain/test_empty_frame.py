"""What an empty frame would contribute is no part of a map: known answers, and properties of small networks."""

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import correlate2d

from leukemia_tf.explain.cams import gradcam, hirescam, support
from leukemia_tf.explain.methods import METHODS
from leukemia_tf.explain.regions import heat_parts
from leukemia_tf.explain.target import Evidence, Target
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.heads import Head
from leukemia_tf.models.layer_names import INPUT, LOGIT, POOL, PROBABILITY, SCALE
from leukemia_tf.models.network import build_network
from leukemia_tf.models.probability import Probability
from leukemia_tf.models.table import find_architecture

SIZE = 24
RNG = np.random.default_rng(5)
KERNEL, BIAS, WEIGHTS = RNG.normal(size=(3, 3, 3, 4)), RNG.normal(size=4), np.array([1.0, -0.5, 0.8, 0.3])
CAMS = [name for name, method in METHODS.items() if method.reads != "none"]


def a_cell(top=8, left=9):
    """A small cell on black: uint8 [SIZE, SIZE, 3]."""
    cell = np.zeros((SIZE, SIZE, 3), np.uint8)
    cell[top : top + 6, left : left + 5] = np.random.default_rng(0).integers(60, 250, (6, 5, 3))
    return cell


@pytest.fixture(scope="module")
def network():
    """A 3 x 3 convolution with zero padding on pixels of -1 to 1, the mean of each map, and a weight for each.

    Black is -1, the padding 0: the convolution sees the frame's border.
    """
    cell = keras.Input((SIZE, SIZE, 3), dtype="uint8", name=INPUT)
    scaled = CellInput("symmetric", {"image_size": SIZE, "framing": "none", "contrast": "none"}, name=SCALE)(cell)
    maps = keras.layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(scaled)
    logit = keras.layers.Dense(1, name=LOGIT)(keras.layers.GlobalAveragePooling2D(name=POOL)(maps))
    model = keras.Model(cell, Probability(name=PROBABILITY)(logit), name="scratch")
    model.get_layer("conv").set_weights([KERNEL, BIAS])
    model.get_layer(LOGIT).set_weights([WEIGHTS[:, None], np.zeros(1)])
    return model


def maps_of(cell):
    """The convolution's maps, worked out with SciPy: float [SIZE, SIZE, 4]."""
    pixels = cell / 127.5 - 1
    sums = [sum(correlate2d(pixels[..., c], KERNEL[:, :, c, k], "same") for c in range(3)) for k in range(4)]
    return np.maximum(np.stack(sums, -1) + BIAS, 0)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_gradcam_by_hand(network, sign):
    """The gradient of a mean's weight is that weight over the number of places, everywhere."""
    cell, black = a_cell(), np.zeros((SIZE, SIZE, 3), np.uint8)
    target = Target(network, "conv")
    got = METHODS["gradcam"].heat(target, cell[None], np.array([sign], np.float32))[0]
    whole = sign * maps_of(cell) @ WEIGHTS / SIZE**2
    wanted = np.maximum(whole - sign * maps_of(black) @ WEIGHTS / SIZE**2, 0)
    np.testing.assert_allclose(got, wanted, atol=1e-7)
    assert got.max() > 0
    border = np.ones((SIZE, SIZE), bool)
    border[1:-1, 1:-1] = False
    assert abs(whole[border]).max() > 0.1 * abs(whole).max()  # the plain map sees the border
    assert got[border].max() == 0


@pytest.mark.parametrize("name", CAMS)
def test_an_empty_frame_has_no_map(name, network):
    black = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    assert METHODS[name].heat(Target(network, "conv"), black, np.ones(1, np.float32)).max() == 0


@pytest.mark.parametrize("name", CAMS)
def test_heat_moves_with_the_cell_and_never_to_the_border(name, network):
    target, signs = Target(network, "conv"), np.ones(1, np.float32)
    here, there = (METHODS[name].heat(target, a_cell(*place)[None], signs)[0] for place in ((8, 9), (3, 14)))
    np.testing.assert_allclose(np.roll(here, (-5, 5), (0, 1)), there, atol=1e-4 * here.max())
    reached = np.zeros((SIZE, SIZE), bool)
    reached[7:15, 8:15] = True  # the cell and a pixel around it
    assert here[reached].max() > 0
    assert abs(here[~reached]).max() < 1e-6 * here.max()


def scratch(pooling, depths):
    """The scratch CNN with random weights and a head without hidden units."""
    keras.utils.set_random_seed(1)
    head = Head(pooling=pooling, depths=depths, units=(), dropout=0.0)
    model = build_network(find_architecture("scratch"), preprocessing={"image_size": 96}, head=head)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            layer.bias.assign(np.random.default_rng(2).normal(0, 0.1, layer.bias.shape))
    return model


def a_disc(size=96):
    cell = np.zeros((1, size, size, 3), np.uint8)
    cv2.circle(cell[0], (60, 40), 20, (150, 60, 170), -1)
    cv2.circle(cell[0], (63, 44), 9, (90, 20, 130), -1)
    return cell


@pytest.mark.parametrize("cam", [gradcam, hirescam])
@pytest.mark.parametrize("depths", [2, 3])
def test_maps_of_all_depths_add_up_to_what_the_cell_adds_to_the_logit(cam, depths):
    """For a head of means: the places' sum over all depths, each counted once."""
    target, cell = Target(scratch("mean", depths)), a_disc()
    evidence = target.evidence(cell, np.ones(1, np.float32))
    assert len(target.layers) == len(evidence) == depths
    logit, empty = target.logits(np.concatenate([cell, 0 * cell]))
    assert abs(logit - empty) > 1e-3
    np.testing.assert_allclose(sum(cam(one).numpy().sum() for one in evidence), logit - empty, rtol=1e-3)


def test_the_drawn_map_of_several_depths_has_the_same_sum():
    target = Target(scratch("mean", 3))
    evidence = target.evidence(a_disc(), np.ones(1, np.float32))
    places = sum(one.maps.shape[1] * one.maps.shape[2] for one in evidence)
    heat = support(lambda one: tf.ones_like(one.maps[..., 0]), evidence).numpy()
    assert heat.shape[1:] == tuple(evidence[0].maps.shape[1:3])
    np.testing.assert_allclose(heat.sum(), places, rtol=1e-5)


@pytest.mark.parametrize("name", CAMS)
def test_a_head_that_pools_the_cell_alone_has_no_heat_outside(name):
    target, cell = Target(scratch("cell", 2)), a_disc()
    heat = METHODS[name].heat(target, cell, np.ones(1, np.float32))[0]
    inside = cv2.resize(cell[0].max(-1), heat.shape[::-1], interpolation=cv2.INTER_AREA) > 0
    near = cv2.dilate(inside.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # where coarser maps are enlarged
    assert not heat[~near].any()
    assert all(not maps.numpy().any() for maps in target.empty_maps())


def test_means_are_taken_over_the_places_that_the_head_pools_alike():
    """A weight of the cell's features is not spread over the frame, nor the frame's over the cell."""
    rng = np.random.default_rng(3)
    maps, gradients, empty = (rng.random((1, 4, 5, 3)).astype(np.float32) for _ in range(3))
    inside = np.zeros((1, 4, 5, 1), np.float32)
    inside[0, 1:3, 2:4] = 1
    got = gradcam(Evidence(maps, gradients, empty, inside)).numpy()[0]
    for places in (inside[0, ..., 0] > 0, inside[0, ..., 0] == 0):
        weights = gradients[0][places].mean(0)
        np.testing.assert_allclose(got[places], (maps - empty)[0][places] @ weights, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean-std", "cell", "cell-and-frame"])
def test_networks_by_pooling(pooling):
    """Only where the head pools the cell by itself is it told from the frame; only the cell alone needs no contrast."""
    target = Target(scratch(pooling, 2))
    for one in target.evidence(a_disc(), np.ones(1, np.float32)):
        assert (one.inside is None) == (pooling == "mean-std")
        assert one.empty.numpy().any() == (pooling != "cell")
        if pooling == "cell":
            assert not (one.maps.numpy() * (1 - one.inside.numpy())).any()


def test_a_named_layer_is_explained_alone():
    target = Target(scratch("mean", 3), "block2")
    assert target.layers == ("block2_conv",)
    heat = METHODS["gradcam"].heat(target, a_disc(), np.ones(1, np.float32))
    assert heat.shape[1:] == target.model.get_layer("block2_conv").output.shape[1:3]


def test_shares_outside_the_cell_and_along_the_border():
    image = np.zeros((64, 80, 3), np.uint8)
    image[20:40, 20:40] = 100
    parts = heat_parts(image, (0, 8, 64, 64))  # 4 pixels wide, within columns 8 to 71
    assert parts["outside"].sum() == 64 * 80 - 400
    assert parts["border"].sum() == 64 * 64 - 56 * 56
    assert not parts["border"][:, :8].any()
    assert heat_parts(image, (-8, -8, 96, 96))["border"].sum() == 0  # what the network sees ends beyond the image
    touching = heat_parts(image, (20, 20, 32, 32))
    assert touching["border"].sum() == 32 * 32 - 28 * 28 - (20 * 20 - 18 * 18)
