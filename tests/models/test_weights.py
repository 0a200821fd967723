"""Weights: looked for where documented, loaded where they fit, refused with a sentence."""

import keras
import numpy as np
import pytest

from leukemia_tf.core.errors import WeightsError
from leukemia_tf.models.architecture import remaining_blocks
from leukemia_tf.models.network import build_network
from leukemia_tf.models.table import find_architecture
from leukemia_tf.models.weights import load_file, load_imagenet

CUT = {
    "vgg16": ("vgg16_to_block4_pool.h5", 7_635_264),
    "resnet50": ("resnet50_to_conv4_block6_out.h5", 8_589_184),
    "mobilenetv2": ("mobilenetv2_1.0_224_notop.h5", 1_364_864),
    "squeezenet": ("squeezenet1.1_notop.h5", 336_320),
}


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """A home without cached weights, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def fail(*_, **__):
        raise Exception("URL fetch failure: no network")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    return tmp_path


def make(name, cut, size=64):
    architecture = find_architecture(name)
    return architecture, build_network(architecture, cut, {"image_size": size}), remaining_blocks(architecture, cut)


@pytest.mark.parametrize("name", CUT)
def test_real_weights_load_whole(name, real_weights, offline, monkeypatch):
    monkeypatch.setenv("LEUKEMIA_TF_WEIGHTS", str(real_weights))
    architecture, model, blocks = make(name, True)
    loaded = load_imagenet(model, architecture, blocks)
    file, parameters = CUT[name]
    assert loaded.source.endswith(file)
    assert loaded.parameters == parameters
    assert loaded.random == ()
    assert loaded.blocks == tuple(block.name for block in blocks)


def test_loaded_base_equals_keras_applications(real_weights):
    _, model, blocks = make("resnet50", True)
    load_file(model, blocks, real_weights / CUT["resnet50"][0])
    whole = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(64, 64, 3))
    oracle = keras.Model(whole.input, whole.get_layer("conv4_block6_out").output)
    oracle.load_weights(real_weights / CUT["resnet50"][0])
    cells = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    wanted = oracle(keras.applications.resnet50.preprocess_input(cells.astype(np.float32)))
    got = keras.Model(model.input, model.get_layer("conv4_block6_out").output)(cells)
    np.testing.assert_allclose(got, wanted, atol=1e-4)


def test_part_of_a_base_is_not_imagenet(real_weights, offline, monkeypatch):
    monkeypatch.setenv("LEUKEMIA_TF_WEIGHTS", str(real_weights))
    architecture, model, blocks = make("vgg16", False)
    with pytest.raises(WeightsError, match=r"lacks block5_conv1 and 2 other layers.*no network.*`weights=none`"):
        load_imagenet(model, architecture, blocks)


@pytest.mark.parametrize("name", ["part.h5", "part.weights.h5", "part.keras"])
def test_a_file_may_cover_part_and_says_so(name, tmp_path):
    _, cut, _blocks = make("scratch", True)
    part = keras.Model(cut.input, cut.get_layer("block3_pool").output)
    part.save_weights(tmp_path / name) if name.endswith(".weights.h5") else part.save(tmp_path / name)
    _, whole, all_blocks = make("scratch", False)
    loaded = load_file(whole, all_blocks, tmp_path / name)
    assert loaded.blocks == ("block1", "block2", "block3")
    assert loaded.random == ("block4_conv",)
    assert (loaded.layers, loaded.parameters) == (3, 93_248)
    np.testing.assert_array_equal(whole.get_layer("block2_conv").kernel, cut.get_layer("block2_conv").kernel)


@pytest.mark.filterwarnings("ignore:The structure of `inputs`")
@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        pytest.param(name, suffix, marks=() if (name == "efficientnetb0") != (suffix == ".h5") else pytest.mark.slow)
        for name in ("xception", "convnexttiny", "efficientnetb0")
        for suffix in (".h5", ".weights.h5", ".keras")
    ],
)
def test_files_of_keras_load_whatever_its_layers_numbers(name, suffix, tmp_path):
    """Networks with layers that Keras numbers, or with layers in layers."""
    architecture, model, blocks = make(name, False, 71)
    keras.layers.Conv2D(1, 1), keras.layers.Add(), keras.layers.LayerNormalization()  # so that its numbers differ
    original = architecture.load_constructor()(include_top=False, weights=None, input_tensor=keras.Input((71, 71, 3)))
    path = tmp_path / f"original{suffix}"
    original.save_weights(path) if suffix == ".weights.h5" else original.save(path)
    loaded = load_file(model, blocks, path)
    assert loaded.random == ()
    cells = np.random.default_rng(0).uniform(0, 255, (1, 71, 71, 3)).astype(np.float32)
    scaled = model.get_layer("scale").output
    ours = keras.Model(scaled, model.get_layer(blocks[-1].last).output)
    np.testing.assert_allclose(ours(cells), original([cells]), atol=1e-5)


def test_a_whole_file_of_older_names_loads_in_order(tmp_path):
    architecture, model, blocks = make("mobilenetv3small", True)
    original = architecture.load_constructor()(include_top=False, weights=None, input_tensor=keras.Input((64, 64, 3)))
    for layer in original.layers:
        layer.name = f"older-{layer.name}"
    original.save(tmp_path / "older.h5")
    assert load_file(model, blocks, tmp_path / "older.h5").random == ()
    cells = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    ours = keras.Model(model.get_layer("scale").output, model.get_layer("expanded_conv_7_add").output)
    wanted = keras.Model(original.input, original.get_layer("older-expanded_conv_7_add").output)
    np.testing.assert_allclose(ours(cells), wanted([cells]), atol=1e-5)


def test_refused(tmp_path, offline):
    architecture, model, blocks = make("mobilenetv2", True)
    with pytest.raises(WeightsError, match=r"cannot be had.*LEUKEMIA_TF_WEIGHTS"):
        load_imagenet(model, architecture, blocks)
    (tmp_path / "text.h5").write_text("no weights")
    _, other, _ = make("scratch", True)
    other.save(tmp_path / "other.h5")
    for name, reason in (
        ("gone.h5", "`weights`: no such file.*weights=.*gone.h5"),
        ("text.h5", "not a weights file of Keras.*text.h5"),
        ("other.h5", "other.h5 fits no layer"),
    ):
        with pytest.raises(WeightsError, match=reason):
            load_file(model, blocks, tmp_path / name)
