"""Heat maps worked out by hand with NumPy, place by place, and beside another implementation."""

import importlib

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.data.datasets import load_cell_arrays
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.explain.cams import support
from leukemia_tf.explain.methods import METHODS, find_method
from leukemia_tf.explain.perturbation import blurred, occlusion
from leukemia_tf.explain.pixels import attributions
from leukemia_tf.explain.target import Target
from leukemia_tf.models.layer_names import LOGIT, SCALE
from leukemia_tf.models.network import load_network, predict_logits, preprocessing_of

SIZE, MAPS = 6, 5  # of `a_case`
PLACES = [(i, j) for i in range(SIZE) for j in range(SIZE)]


def by_map(weight_of):
    """Weigh whole maps: `weight_of(map, its gradients)` -> a number."""

    def heat(maps, gradients):
        weights = [weight_of(maps[..., k], gradients[..., k]) for k in range(MAPS)]
        return sum(weight * maps[..., k] for k, weight in enumerate(weights))

    return heat


def plus_plus(a, g):
    total = 0.0
    for place in PLACES:
        alpha = g[place] ** 2 / (2 * g[place] ** 2 + a.sum() * g[place] ** 3)
        total += alpha * max(g[place], 0)
    return total


def first_component(maps, gradients):
    rows = maps.reshape(-1, MAPS)
    projected = rows @ np.linalg.svd(rows)[2][0]
    return (projected * np.sign(projected.sum())).reshape(SIZE, SIZE)


ORACLES = {
    "gradcam": by_map(lambda a, g: g.mean()),
    "gradcam++": by_map(plus_plus),
    "hirescam": lambda maps, gradients: sum(gradients[..., k] * maps[..., k] for k in range(MAPS)),
    "layercam": lambda maps, gradients: sum(np.maximum(gradients[..., k], 0) * maps[..., k] for k in range(MAPS)),
    "xgradcam": by_map(lambda a, g: (g * a).sum() / a.sum()),
    "eigencam": first_component,
}


@pytest.mark.parametrize("name", ORACLES)
def test_maps_by_hand(name, a_case):
    cells, signs, model, maps, gradients = a_case
    got = METHODS[name].heat(Target(model, "conv"), cells, signs)
    wanted = np.stack([np.maximum(ORACLES[name](*one), 0) for one in zip(maps, gradients)])
    np.testing.assert_allclose(got, wanted, rtol=2e-3, atol=1e-4 * wanted.max())
    assert wanted.max((1, 2)).min() > 0


def test_eigencam_where_there_are_fewer_places_than_maps(hand_network):
    rng = np.random.default_rng(1)
    cells = rng.integers(0, 256, (2, 2, 2, 3), dtype=np.uint8)
    kernel = rng.normal(size=(3, 7))
    got = METHODS["eigencam"].heat(Target(hand_network(np.ones((2, 2, 7)), 2, kernel), "conv"), cells, np.ones(2))
    for heat, cell in zip(got, cells):
        rows = (cell / 255).reshape(4, 3) @ kernel
        projected = rows @ np.linalg.svd(rows)[2][0]
        np.testing.assert_allclose(heat.ravel(), np.maximum(projected * np.sign(projected.sum()), 0), atol=1e-5)


def test_scorecam_by_hand(a_case):
    cells, signs, model, maps, _ = a_case
    got = METHODS["scorecam"].heat(Target(model, "conv"), cells, signs)
    for heat, cell, sign, cell_maps in zip(got, cells, signs, maps):
        masks = [(cell_maps[..., k] - cell_maps[..., k].min()) / np.ptp(cell_maps[..., k]) for k in range(MAPS)]
        masked = np.stack([np.rint(cell * mask.astype(np.float32)[..., None]).astype(np.uint8) for mask in masks])
        scores = sign * predict_logits(model, masked)
        weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        np.testing.assert_allclose(heat, np.maximum(cell_maps @ weights, 0), atol=1e-4)


def test_scorecam_ignores_constant_maps(a_case):
    cells, signs, model, *_ = a_case
    model.get_layer("conv").kernel.assign(np.zeros((1, 1, 3, MAPS)))
    assert not METHODS["scorecam"].heat(Target(model, "conv"), cells, signs).any()


def test_occlusion_by_hand(a_case):
    cells, signs, model, _, gradients = a_case
    side, kernel = 2, model.get_layer("conv").kernel.numpy()[0, 0]
    got = METHODS["occlusion"].heat(Target(model, "conv"), cells, signs)  # an eighth of 6 pixels is one pixel
    for heat, cell, weights in zip(got, cells, gradients):
        lost = ((cell.astype(float) - blurred(cell)) / 255 @ kernel * weights).sum(-1)
        np.testing.assert_allclose(heat, np.maximum(lost, 0), atol=1e-4)
    wide = occlusion(Target(model, "conv"), cells[:1], signs[:1], side)[0]
    lost = ((cells[0].astype(float) - blurred(cells[0])) / 255 @ kernel * gradients[0]).sum(-1)
    squares = cv2.boxFilter(lost, -1, (side, side), anchor=(0, 0), normalize=False)[: SIZE - 1, : SIZE - 1]
    assert wide[0, 0] == pytest.approx(max(squares[0, 0], 0), abs=1e-4)  # one square covers the corner
    assert wide[0, 1] == pytest.approx(max((squares[0, 0] + squares[0, 1]) / 2, 0), abs=1e-4)


def test_blurring_keeps_the_outline():
    cell = np.zeros((64, 64, 3), np.uint8)
    cv2.circle(cell, (32, 32), 20, (120, 40, 200), -1)
    cell[30:34, 30:34] = 255
    away = blurred(cell)
    assert ((away.max(-1) > 8) == (cell.max(-1) > 8)).all()
    assert abs(away[20, 32].astype(int) - (120, 40, 200)).max() < 12
    assert away[31, 31].max() < 230


def test_integrated_gradients_of_a_linear_network(a_case):
    cells, signs, model, _, gradients = a_case
    kernel = model.get_layer("conv").kernel.numpy()[0, 0]
    got = attributions(Target(model, "conv"), cells, signs, steps=3)
    np.testing.assert_allclose(got, ((cells / 255) @ kernel * gradients).sum(-1), atol=1e-4)


def test_integrated_gradients_add_up_to_the_logits_rise(tiny_run, tiny_cells):
    model = load_network(tiny_run.model)
    settings = stored_preprocessing(preprocessing_of(model))
    cells = load_cell_arrays(tiny_cells, read_cells(tiny_run.cells)[:3], settings)
    target = Target(model)
    rise = target.logits(cells) - target.logits(np.zeros_like(cells))
    got = attributions(target, cells, np.ones(len(cells), np.float32), steps=64).sum((1, 2))
    np.testing.assert_allclose(got, rise, rtol=0.05, atol=0.02)


def test_smoothgrad_of_a_linear_network_is_its_weights(a_case):
    cells, signs, model, _, gradients = a_case
    kernel = model.get_layer("conv").kernel.numpy()[0, 0]
    got = METHODS["smoothgrad"].heat(Target(model, "conv"), cells, signs)
    for heat, weights in zip(got, gradients):
        wanted = np.abs(weights @ kernel.T).sum(-1).astype(np.float32)
        np.testing.assert_allclose(heat, cv2.GaussianBlur(wanted, (0, 0), 0.3), rtol=1e-4)


@pytest.mark.parametrize("name", ["gradcam", "layercam"])
def test_beside_tf_keras_vis(name, tiny_run):
    """The same maps as tf-keras-vis draws, on a trained network of several layers."""
    vis = pytest.importorskip("tf_keras_vis")
    kind = {"gradcam": "Gradcam", "layercam": "Layercam"}[name]
    explainer = getattr(importlib.import_module(f"{vis.__name__}.{name}"), kind)
    model = load_network(tiny_run.model)
    cells = np.random.default_rng(0).integers(0, 256, (2, *model.input.shape[1:]), dtype=np.uint8)
    target = Target(model, "block2_conv")
    shared = keras.Model(model.get_layer(SCALE).output, model.get_layer(LOGIT).output)
    behind = keras.models.clone_model(shared)  # tf-keras-vis asks layers for their only output
    behind.set_weights(shared.get_weights())
    theirs = explainer(behind, clone=False)(
        lambda logit: -logit[:, 0],
        target.scale(cells).numpy(),
        penultimate_layer="block2_conv",
        expand_cam=False,
        normalize_cam=False,
    )
    nothing = [tf.zeros_like(maps) for maps in target.empty_maps()]  # as in the papers, nothing is taken off
    ours = support(METHODS[name].cam, target.evidence(cells, -np.ones(2, np.float32), nothing)).numpy()
    np.testing.assert_allclose(ours, np.asarray(theirs).reshape(ours.shape), rtol=1e-4, atol=1e-6)
    assert ours.max() > 0


def test_unknown_names(a_case):
    _, _, model, *_ = a_case
    with pytest.raises(ArgumentError, match=r"`method`: no such method; did you mean gradcam .* method='gradcm'"):
        find_method("gradcm")
    with pytest.raises(ArgumentError, match=r"`layer`: no such layer in scratch; did you mean conv\? .* layer='conf'"):
        Target(model, "conf")
    with pytest.raises(ArgumentError, match=r"`layer`: .*no stack of maps in scratch.* Received: layer='flat'"):
        Target(model, "flat")
