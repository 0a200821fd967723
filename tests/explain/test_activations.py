"""The activations of layers, and where they are strongest."""

import keras
import numpy as np

from leukemia_tf.explain.activations import activations, filter_responses, grid, responses
from leukemia_tf.models.network import load_network


def test_activations_are_the_layers_outputs(tiny_run):
    model = load_network(tiny_run.model)
    cell = np.random.default_rng(0).integers(0, 256, (1, *model.input.shape[1:]), dtype=np.uint8)
    maps = activations(model, cell)
    assert list(maps) == [f"block{i}_{kind}" for i in range(1, 5) for kind in ("conv", "pool")]
    first = keras.Model(model.input, model.get_layer("block1_conv").output)(cell)[0]
    np.testing.assert_allclose(maps["block1_conv"], first, atol=1e-5)


def test_grid_puts_the_most_active_first():
    maps = np.zeros((2, 3, 20), np.float32)
    maps[0, 0, 7] = 9.0
    laid = grid(maps)
    assert laid.shape == (11, 15)
    assert laid[0, 0] == 1.0
    assert np.isnan(laid[2]).all()
    assert np.isnan(laid[:, 3]).all()


def test_where_filters_are_active():
    maps = np.zeros((4, 4, 3), np.float32)
    maps[:2, :, 0] = 1.0  # the upper half, in one of three filters
    maps[..., 1] = 5.0  # the same everywhere: silent
    zones = {"inside": np.repeat([True, False], 4)[:, None] & np.ones((8, 8), bool), "edge": np.zeros((8, 8), bool)}
    zones["outside"] = ~zones["inside"]
    response = responses(maps, zones)
    assert response["filters"] == 3
    assert response["silent"] == 2
    assert np.isclose(response["inside"], 6 / 5.5)
    assert np.isclose(response["outside"], 5 / 5.5)
    assert np.isnan(response["edge"])


def test_where_each_filter_is_active():
    maps = np.zeros((4, 4, 3), np.float32)
    maps[:2, :, 0] = 1.0
    maps[..., 1] = 5.0
    upper = np.arange(8)[:, None] * np.ones(8) < 4
    first, second, third = filter_responses(maps, {"inside": upper, "outside": ~upper})
    assert first == {"filter": 0, "silent": 0, "inside": 2.0, "outside": 0.0}
    assert second == {"filter": 1, "silent": 1, "inside": 1.0, "outside": 1.0}
    assert third["silent"] == 1
    assert np.isnan(third["inside"])


def test_one_place_is_not_silent():
    maps = np.array([[[3.0, 0.0]]], np.float32)
    zones = {"inside": np.ones((8, 8), bool)}
    assert responses(maps, zones)["silent"] == 0
    assert [row["silent"] for row in filter_responses(maps, zones)] == [0, 0]


def test_grid_of_all_filters_is_in_their_order():
    maps = np.zeros((1, 2, 10), np.float32)
    maps[0, 1, 9] = 1.0
    laid = grid(maps, None)  # 4 a row
    assert laid.shape == (7, 11)
    assert laid[4, 4] == 1.0
    assert np.nansum(laid) == 1.0
    assert np.isnan(laid[6]).all()
