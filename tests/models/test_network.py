"""Networks: the reports' parameter counts, flat graphs, safe saving, settings that travel."""

import keras
import numpy as np
import pytest

from leukemia_tf.errors import RunError, UserError
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.freezing import block_layers, set_trainable
from leukemia_tf.models.network import (
    build_network,
    explained_layer,
    kept_blocks,
    load_network,
    logit_model,
    preprocessing_of,
)
from leukemia_tf.models.table import ARCHITECTURES, Head, find_architecture


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def base_parameters(name, cut):
    architecture = find_architecture(name)
    model = build_network(architecture, cut)
    groups = block_layers(model, kept_blocks(architecture, cut))
    return sum(layer.count_params() for block, layers in groups.items() if block != "head" for layer in layers)


@pytest.mark.parametrize(
    ("name", "whole", "cut"),
    [
        ("resnet50", 23_587_712, 8_589_184),
        ("vgg16", 14_714_688, 7_635_264),
        ("mobilenetv2", 2_257_984, 1_364_864),
        ("scratch", 388_416, 93_248),
    ],
)
def test_base_parameters(name, whole, cut):
    assert base_parameters(name, False) == whole
    assert base_parameters(name, True) == cut


@pytest.mark.parametrize(
    ("name", "cut", "head", "parameters"),
    [
        ("vgg16", False, Head(pooling="flatten"), 21_137_729),
        ("vgg16", True, None, 7_766_849),
        ("resnet50", False, Head(units=(), dropout=0), 23_589_761),
        ("resnet50", True, None, 8_851_841),
        ("resnet50", True, Head(units=(512,), dropout=0), 9_114_497),
        ("mobilenetv2", False, None, 2_259_265),
    ],
)
def test_the_main_reports_layer_tables(name, cut, head, parameters):
    assert build_network(find_architecture(name), cut, head=head).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "cut", "learning", "head", "trainable"),
    [
        ("vgg16", False, (), Head(pooling="flatten"), 6_423_041),
        ("vgg16", True, ("block2", "block3", "block4"), None, 7_728_129),
        ("resnet50", True, (), None, 262_657),
        ("mobilenetv2", False, ("bottleneck320",), None, 880_321),
    ],
)
def test_trainable_parameters(name, cut, learning, head, trainable):
    architecture = find_architecture(name)
    model, blocks = build_network(architecture, cut, head=head), kept_blocks(architecture, cut)
    set_trainable(model, blocks, learning, pretrained=[block.name for block in blocks])
    assert count(model.trainable_weights) == trainable


def test_scratch_at_its_own_size():
    model = build_network(find_architecture("scratch"))
    assert model.input_shape == (None, 300, 300, 3)
    assert model.get_layer("block4_pool").output.shape == (None, 5, 5, 256)
    assert model.count_params() == 388_416 + 6400 * 256 + 256 + 257


@pytest.mark.parametrize("scaling", ["unit", "symmetric", "caffe"])
def test_scaling_equals_keras_applications(scaling):
    cells = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    wanted = {
        "unit": lambda x: x / 255,
        "symmetric": keras.applications.mobilenet_v2.preprocess_input,
        "caffe": keras.applications.resnet50.preprocess_input,
    }[scaling](cells.astype(np.float32))
    np.testing.assert_allclose(CellInput(scaling, {})(cells), wanted, atol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("cut", [False, True])
def test_each_network_is_flat_and_saves_safely(name, cut, tmp_path):
    architecture = find_architecture(name)
    model = build_network(architecture, cut, {"image_size": 64})
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert len(model.get_layer(explained_layer(model)).output.shape) == 4
    cells = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    model.save(tmp_path / "model.keras")
    again = load_network(tmp_path / "model.keras")
    assert preprocessing_of(again) == {"image_size": 64}
    np.testing.assert_array_equal(again(cells), model(cells))
    logit = logit_model(model)(cells).numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), model(cells), atol=1e-6)


def test_refused(tmp_path):
    with pytest.raises(UserError, match="--image-size 59: scratch needs 60 pixels"):
        build_network(find_architecture("scratch"), preprocessing={"image_size": 59})
    with pytest.raises(UserError, match=r"no such network; did you mean resnet50\?"):
        find_architecture("ResNet-50")
    with pytest.raises(UserError, match="there are scratch, vgg16"):
        find_architecture("zzz")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "foreign.keras")
    (tmp_path / "rubbish.keras").write_bytes(b"rubbish")
    for name in ("foreign.keras", "rubbish.keras", "missing.keras"):
        with pytest.raises(RunError, match=name):
            load_network(tmp_path / name)
