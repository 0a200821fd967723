"""Networks: the reports' parameter counts, flat graphs, safe saving, settings that travel."""

from itertools import pairwise

import keras
import numpy as np
import pytest

from leukemia_tf.config import SetupConfig
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.models.architecture import remaining_blocks
from leukemia_tf.models.cell_input import CellInput
from leukemia_tf.models.freezing import block_layers, set_trainable, weighted_layers
from leukemia_tf.models.heads import HEADS, POOLINGS, Head, Pooling, find_head
from leukemia_tf.models.network import blocks_of, build_network, explained_layer, load_network
from leukemia_tf.models.pooling import CellMask, MaskedAndGlobalMeanStdPooling, MaskedMeanStdPooling
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.build import build_model
from leukemia_tf.training.learning import named_parts
from leukemia_tf.training.settings import check_setup


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.mark.parametrize(
    ("name", "cut", "head", "parameters"),
    [
        ("vgg16", False, None, 21_137_729),
        ("vgg16", True, None, 7_766_849),
        ("resnet50", False, None, 23_589_761),
        ("resnet50", True, None, 8_851_841),
        ("resnet50", True, Head(units=(512,), dropout=0), 9_114_497),
        ("mobilenetv2", False, None, 2_259_265),
    ],
)
def test_the_main_reports_layer_tables(name, cut, head, parameters):
    assert build_network(find_architecture(name), cut, head=head).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "cut", "learning", "head", "fixed", "trained"),
    [
        ("vgg16", False, 0, None, 6_423_041, 6_423_041),
        ("vgg16", True, ["block2", "block3", "block4"], None, 7_728_129, 7_728_129),
        ("resnet50", True, 0, None, 262_657, 262_657),
        ("resnet50", True, "all", HEADS["dense512"], 9_053_313, 9_083_905),
        ("resnet50", False, "last-layers:3", None, 4_461_569, 4_467_713),
        ("mobilenetv2", False, ["bottleneck320"], None, 880_321, 887_361),
    ],
)
def test_trainable_parameters(name, cut, learning, head, fixed, trained):
    """The main report trains BatchNormalization along: with it the counts are its own."""
    architecture = find_architecture(name)
    model, blocks = build_network(architecture, cut, head=head), remaining_blocks(architecture, cut)
    layers, pretrained = weighted_layers(model, blocks), [block.name for block in blocks]
    for train_batchnorm, trainable in ((False, fixed), (True, trained)):
        set_trainable(model, blocks, named_parts(learning, pretrained, layers), pretrained, train_batchnorm)
        assert count(model.trainable_weights) == trainable


@pytest.mark.parametrize(
    ("name", "parameters", "depths"),
    [
        ("resnet50", 8_589_184, ["conv2_block3_out", "conv3_block4_out", "conv4_block6_out"]),
        ("vgg16", 7_635_264, ["block2_pool", "block3_pool", "block4_pool"]),
        ("mobilenetv2", 1_364_864, ["block_9_add", "block_12_add", "block_15_add"]),
    ],
)
def test_the_truncated_default_is_all_there_and_its_end_counts(name, parameters, depths):
    model = build_model(name, drop_last_block=True, weights="none", image_size=64)
    blocks = blocks_of(model)
    groups = block_layers(model, blocks)
    assert sum(layer.count_params() for block in blocks for layer in groups[block.name]) == parameters
    assert [block.last for block in blocks[-3:]] == depths
    cells = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    for end in depths:
        assert np.abs(gradient_of_the_logit(model, end, cells)).max() > 0


def gradient_of_the_logit(model, layer, cells):
    import tensorflow as tf

    both = keras.Model(model.input, [model.get_layer(layer).output, model.get_layer("logit").output])
    with tf.GradientTape() as tape:
        maps, logit = both(cells)
    return tape.gradient(logit, maps).numpy()


def test_a_base_of_few_blocks_gives_fewer_depths():
    model = build_network(find_architecture("resnet50"), 3, {"image_size": 64}, HEADS["multi-depth"])
    assert model.get_layer("depths").output.shape == (None, 2 * (64 + 256))
    assert model.get_layer("scale").network["head"]["depths"] == 2


@pytest.mark.parametrize("train_batchnorm", [False, True])
@pytest.mark.parametrize("learning", ["last-layers:2", ["layer2_1_conv2"], ["layer1_1_conv1", "conv3"], ["conv1"]])
def test_the_named_layers_learn_and_no_others(learning, train_batchnorm):
    model = build_network(find_architecture("resnet18"), 2, {"image_size": 64}, HEADS["linear"])
    blocks = blocks_of(model)
    names, layers = [block.name for block in blocks], weighted_layers(model, blocks)
    assert sum(map(len, layers.values())) == 1 + 4 + 5
    parts = named_parts(learning, names, layers)
    set_trainable(model, blocks, parts, names, train_batchnorm)
    wanted = {name for part in parts for name in layers.get(part, (part,))}
    norms = {layer.name for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)}
    got = {layer.name for layer in model.layers if layer.trainable_weights}
    assert got - norms == wanted | {"logit"}
    before = {model.get_layer(name).input._keras_history.operation.name for name in got & norms}
    assert before == (wanted if train_batchnorm else set())  # in a ResNet one follows each convolution


def test_a_folded_batch_normalization_stays_fixed():
    model = build_network(find_architecture("resnet18"), 2, {"image_size": 64}, HEADS["linear"])
    blocks = blocks_of(model)
    set_trainable(model, blocks, ["conv3"], ["conv1", "conv2", "conv3"], True, folded=["layer2_1_bn2"])
    assert model.get_layer("layer2_1_bn1").trainable
    assert not model.get_layer("layer2_1_bn2").trainable


def test_scratch_at_its_own_size():
    model = build_network(find_architecture("scratch"))
    assert model.input_shape == (None, 300, 300, 3)
    assert model.get_layer("block4_pool").output.shape == (None, 5, 5, 256)
    assert model.count_params() == 388_416 + 6400 * 256 + 256 + 257


@pytest.mark.parametrize("scaling", ["unit", "symmetric", "caffe", "torch", "inside"])
def test_scaling_equals_keras_applications(scaling):
    cells = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), np.uint8)
    wanted = {
        "unit": lambda x: x / 255,
        "symmetric": keras.applications.mobilenet_v2.preprocess_input,
        "caffe": keras.applications.resnet50.preprocess_input,
        "torch": keras.applications.densenet.preprocess_input,
        "inside": keras.applications.convnext.preprocess_input,
    }[scaling](cells.astype(np.float32))
    np.testing.assert_allclose(CellInput(scaling, {})(cells), wanted, atol=1e-4)


def test_efficientnet_is_scaled_as_kerass_own(monkeypatch):
    """Keras puts a third scaling layer into EfficientNet if, and only if, it loads ImageNet weights itself."""
    monkeypatch.setattr("keras.src.applications.efficientnet.file_utils.get_file", lambda *_, **__: "")
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)
    oracle = keras.applications.EfficientNetB0(include_top=False, input_shape=(64, 64, 3))
    norm = next(layer for layer in oracle.layers if isinstance(layer, keras.layers.Normalization))
    norm.adapt_mean.assign([0.485, 0.456, 0.406])
    norm.adapt_variance.assign(np.square([0.229, 0.224, 0.225]))
    norm.finalize_state()
    model = build_network(find_architecture("efficientnetb0"), preprocessing={"image_size": 64})
    for layer in oracle.layers:
        if layer.weights and layer is not norm:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    cells = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    got = keras.Model(model.input, model.get_layer("top_activation").output)(cells)
    np.testing.assert_allclose(got, oracle(cells.astype(np.float32)), atol=1e-4)


@pytest.mark.parametrize("name", HEADS)
def test_each_head(name):
    head = HEADS[name]
    model = build_network(find_architecture("scratch"), preprocessing={"image_size": 60}, head=head)
    channels = sum((256, 128, 64)[: head.depths]) * {"mean-std": 2, "cell": 2, "cell-and-frame": 4}.get(head.pooling, 1)
    widths = [channels, *head.units, 1]
    wanted = sum(inputs * outputs + outputs for inputs, outputs in pairwise(widths))
    assert model.count_params() - 388_416 == wanted + 2 * channels * head.standardize
    dropouts = [layer.name for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert dropouts == ["dropout_before"] * bool(head.dropout_before) + ["dropout"] * bool(head.dropout)


def test_a_pooling_is_one_record(monkeypatch):
    monkeypatch.setitem(POOLINGS, "spread", Pooling("leukemia_tf.models.pooling:MaskedMeanStdPooling", masked=True))
    head = find_head("linear", pooling="spread", depths=2)
    model = build_network(find_architecture("scratch"), preprocessing={"image_size": 120}, head=head)
    assert model.get_layer("depths").output.shape == (None, 2 * (128 + 256))


def test_depths_are_means_and_deviations_of_the_last_blocks():
    head = find_head("linear", pooling="mean-std", depths=2)
    model = build_network(find_architecture("scratch"), preprocessing={"image_size": 120}, head=head)
    cells = np.random.default_rng(0).integers(0, 256, (2, 120, 120, 3), np.uint8)
    names = ("block3_pool", "block4_pool", "depths")
    *maps, pooled = keras.Model(model.input, [model.get_layer(name).output for name in names])(cells)
    wanted = [f(np.array(m), axis=(1, 2)) for m in maps for f in (np.mean, np.std)]
    np.testing.assert_allclose(pooled, np.concatenate(wanted, axis=1), atol=2e-3)


@pytest.mark.parametrize(
    ("cut", "last", "count_of_blocks"),
    [("conv3", "conv3_block4_out", 3), ("conv3_block2_out", "conv3_block2_out", 3), ("conv1_conv", "conv1_conv", 1)],
)
def test_cut_at_a_layer(cut, last, count_of_blocks):
    model = build_network(find_architecture("resnet50"), preprocessing={"image_size": 64}, cut=cut)
    blocks = blocks_of(model)
    assert model.name == f"resnet50_to_{last}"
    assert [block.last for block in blocks][-1] == explained_layer(model) == last
    assert len(blocks) == count_of_blocks
    assert {layer.name for layer in block_layers(model, blocks)["head"]} >= {"pool", "logit", "probability"}


def test_maps_of_one_pixel_are_not_explained_unless_named():
    model = build_network(find_architecture("mobilenetv2"), 1, {"image_size": 32})
    assert model.get_layer("block_15_add").output.shape[1:3] == (1, 1)
    assert explained_layer(model) == "block_12_add"
    with pytest.raises(UserError, match="its output is no stack of maps"):
        explained_layer(model, "block_15_add")


def test_dropping_blocks_one_after_another():
    architecture = find_architecture("vgg16")
    sizes = [build_network(architecture, n, {"image_size": 32}).get_layer("pool").input.shape[1:] for n in range(5)]
    assert sizes == [(1, 1, 512), (2, 2, 512), (4, 4, 256), (8, 8, 128), (16, 16, 64)]


def test_refused(tmp_path):
    with pytest.raises(UserError, match=r"`image_size`: scratch up to block4_pool needs 60 .*image_size=59"):
        build_network(find_architecture("scratch"), preprocessing={"image_size": 59})
    with pytest.raises(UserError, match=r"no such network; did you mean resnet50 or"):
        find_architecture("ResNet-50")
    with pytest.raises(UserError, match="choose one of scratch, resnet18"):
        find_architecture("zzz")
    resnet, size = find_architecture("resnet50"), {"image_size": 64}
    for arguments, reason in (
        ({"cut": "conv3_blok4_out"}, "no such layer; did you mean conv3_block4_out"),
        ({"cut": "probability"}, "`cut`: no such layer.*Received: cut='probability'"),
        ({"cut": "conv3", "drop_blocks": 1}, "name one"),
        ({"drop_blocks": 5}, "can lose 0 to 4 of conv1, conv2"),
    ):
        with pytest.raises(UserError, match=reason):
            build_network(resnet, preprocessing=size, **arguments)
    for depths, reason in ((6, "the base has 5 blocks"), (0, "1 or more")):
        with pytest.raises(UserError, match=reason):
            check_setup(SetupConfig(depths=depths))
    for name, changes, reason in (
        ("dense25", {}, "did you mean dense256"),
        ("linear", {"pooling": "median"}, "`pooling`: no such pooling.*pooling='median'"),
        ("flat256", {"depths": 2}, "`depths`: .*Received: depths=2"),
        ("linear", {"units": (1, 2, 3)}, r"`units`: .*units=\(1, 2, 3\)"),
        ("linear", {"dropout_before": -0.1}, "`dropout_before`: .*dropout_before=-0.1"),
        ("linear", {"dropout": 1.0}, "`dropout`: .*dropout=1.0"),
    ):
        with pytest.raises(UserError, match=reason):
            find_head(name, **changes)
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "foreign.keras")
    (tmp_path / "rubbish.keras").write_bytes(b"rubbish")
    for name in ("foreign.keras", "rubbish.keras", "missing.keras"):
        with pytest.raises(RunError, match=name):
            load_network(tmp_path / name)


def test_pooling_inside_the_cell_by_hand():
    rng = np.random.default_rng(0)
    cells = np.zeros((3, 64, 64, 3), np.uint8)
    cells[0, 8:40, 16:56] = 11  # a whole number of places of the maps
    cells[1] = 200
    maps = rng.normal(size=(3, 8, 8, 5)).astype("float32")
    inside = keras.ops.convert_to_numpy(CellMask(8, 8)(cells))
    pooled = keras.ops.convert_to_numpy(MaskedMeanStdPooling()([maps, inside]))
    parts = maps[0, 1:5, 2:7].reshape(-1, 5), maps[1].reshape(-1, 5)
    for got, part in zip(pooled, parts):
        np.testing.assert_allclose(got, np.r_[part.mean(0), np.sqrt(part.var(0) + 1e-6)], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(pooled[2], np.repeat([0, 1e-3], 5), atol=1e-6)  # nothing there
    both = keras.ops.convert_to_numpy(MaskedAndGlobalMeanStdPooling()([maps, inside]))
    over_frame = np.concatenate([maps.mean((1, 2)), np.sqrt(maps.var((1, 2)) + 1e-6)], axis=1)
    np.testing.assert_allclose(both, np.concatenate([pooled, over_frame], axis=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("size", "places"), [(330, 42), (224, 14), (60, 7), (33, 33)])
def test_the_cell_at_the_maps_resolution_is_a_resize(size, places):
    rng = np.random.default_rng(size)
    cells = np.repeat(rng.integers(0, 22, (4, size, size, 1), np.uint8), 3, axis=-1)
    cells[2:, size // 4 :, : size // 2] = 90
    bright = (cells.max(-1, keepdims=True) > 10).astype("float32")
    share = keras.ops.convert_to_numpy(keras.ops.image.resize(bright, (places, places), antialias=True))
    sure = abs(share - 0.5) > 1e-5
    assert 0.1 < (share > 0.5).mean() < 0.9
    inside = keras.ops.convert_to_numpy(CellMask(places, places)(cells))
    np.testing.assert_array_equal(inside[sure], (share > 0.5)[sure])


def test_a_head_of_several_depths_predicts_the_same_after_saving(tmp_path):
    model = build_network(find_architecture("scratch"), 1, {"image_size": 60}, HEADS["multi-depth"])
    cells = np.random.default_rng(0).integers(0, 256, (4, 60, 60, 3), np.uint8)
    mean = model.get_layer("standard").moving_mean
    mean.assign(np.linspace(-1, 1, mean.shape[0]))
    model.save(tmp_path / "model.keras")
    again = load_network(tmp_path / "model.keras")
    probabilities = model.predict(cells, verbose=0)
    np.testing.assert_allclose(again.predict(cells, verbose=0), probabilities, rtol=1e-5)
    assert np.ptp(probabilities) > 0
