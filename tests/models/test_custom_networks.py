"""Networks and heads of the user's own, and what a network stores of how it was built."""

import json
import zipfile
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from leukemia_tf.config import ModelsConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError, RunError, UserError
from leukemia_tf.explain.methods import METHODS
from leukemia_tf.explain.target import Target
from leukemia_tf.models import table
from leukemia_tf.models.__main__ import print_models
from leukemia_tf.models.architecture import Architecture, Block
from leukemia_tf.models.calibration import Calibration
from leukemia_tf.models.description import blocks_of
from leukemia_tf.models.ensemble import build_ensemble
from leukemia_tf.models.freezing import block_layers, set_trainable
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.heads import HEADS, Head
from leukemia_tf.models.member import members_of
from leukemia_tf.models.network import build_network, explained_layer, load_network, logit_model
from leukemia_tf.models.probability import set_calibration
from leukemia_tf.models.table import find_architecture, register_architecture
from leukemia_tf.models.weights import load_file, load_imagenet
from leukemia_tf.training.feature_files import FeatureFiles

SIZE = 32
CELLS = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)
LABELS = np.array([[0.0], [1.0], [0.0], [1.0]])


def tiny_base(include_top=False, weights=None, input_tensor=None):
    x = input_tensor
    for number, filters in enumerate((4, 6, 8), start=1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"stage{number}_conv")(x)
        x = layers.BatchNormalization(name=f"stage{number}_bn")(x)
        x = layers.ReLU(name=f"stage{number}_relu")(x)
        x = layers.MaxPooling2D(2, name=f"stage{number}_pool")(x)
    return keras.Model(input_tensor, x)


RECORD = Architecture(
    name="nasnet_mobile",
    constructor=tiny_base,
    scaling="unit",
    image_size=SIZE,
    blocks=tuple(Block(f"stage{i}", f"stage{i}_pool", 2**i, f"stage{i}_relu") for i in (1, 2, 3)),
)


@pytest.fixture
def registered(monkeypatch):
    """The record in the table, for one test."""
    monkeypatch.setattr(table, "ARCHITECTURES", table.ARCHITECTURES)
    before = dict(table.ARCHITECTURES)
    yield register_architecture(RECORD)
    table.ARCHITECTURES.clear()
    table.ARCHITECTURES.update(before)


def probabilities(model):
    return keras.ops.convert_to_numpy(model(CELLS))


@pytest.mark.parametrize(
    ("arguments", "name", "ends"),
    [
        ({}, "nasnet_mobile", ("stage1_pool", "stage2_pool", "stage3_pool")),
        ({"drop_blocks": 1}, "nasnet_mobile_cut", ("stage1_pool", "stage2_pool")),
        ({"cut": "stage2_relu"}, "nasnet_mobile_to_stage2_relu", ("stage1_pool", "stage2_relu")),
    ],
)
def test_a_name_with_an_underscore(registered, tmp_path, arguments, name, ends):
    built = build_network(registered, **arguments)
    built.save(tmp_path / "model.keras")
    model = load_network(tmp_path / "model.keras")
    assert model.name == name
    np.testing.assert_array_equal(probabilities(model), probabilities(built))
    blocks = blocks_of(model)
    assert tuple(block.last for block in blocks) == ends
    assert blocks_of(fuse_batch_normalization(model)) == blocks

    set_trainable(model, blocks, [blocks[-1].name], pretrained=[block.name for block in blocks])
    before = {key: [w.numpy() for layer in group for w in layer.weights] for key, group in groups(model).items()}
    trainer = logit_model(model)
    trainer.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), run_eagerly=True)
    trainer.fit(CELLS, LABELS, verbose=0)
    after = {key: [w.numpy() for layer in group for w in layer.weights] for key, group in groups(model).items()}
    changed = {key for key in before if any((a != b).any() for a, b in zip(before[key], after[key], strict=True))}
    assert changed == {blocks[-1].name, "head"}

    maps = METHODS["gradcam"].heat(Target(model), CELLS, np.ones(len(CELLS), np.float32))
    assert maps.shape == (len(CELLS), *model.get_layer(explained_layer(model)).output.shape[1:3])

    model.save_weights(tmp_path / "older.weights.h5")
    assert load_file(build_network(registered, **arguments), blocks, tmp_path / "older.weights.h5").random == ()


def groups(model):
    return block_layers(model, blocks_of(model))


def test_the_description_is_stored(registered, tmp_path):
    build_network(registered, drop_blocks=1, head=HEADS["multi-depth"]).save(tmp_path / "model.keras")
    stored = load_network(tmp_path / "model.keras").get_layer("scale").network
    assert stored["architecture"] == "nasnet_mobile"
    assert (stored["drop_blocks"], stored["cut"]) == (1, None)
    head = Head(**{**stored["head"], "units": tuple(stored["head"]["units"])})
    assert head == replace(HEADS["multi-depth"], depths=2)  # no more blocks are left
    assert [block["name"] for block in stored["blocks"]] == ["stage1", "stage2"]


def test_the_description_changes_no_cached_features(registered):
    folders = set()
    for arguments in ({}, {"head": HEADS["linear"]}, {"drop_blocks": 1}, {"head": two_layers}):
        keras.utils.set_random_seed(0)
        model = build_network(registered, **arguments)
        folders.add(FeatureFiles(keras.Model(model.input, model.get_layer("stage2_pool").output)).folder)
    assert len(folders) == 1


def test_a_saved_network_needs_no_record(registered, tmp_path):
    model = build_network(registered)
    blocks, layer = blocks_of(model), explained_layer(model)
    model.save(tmp_path / "model.keras")
    del table.ARCHITECTURES["nasnet_mobile"]
    again = load_network(tmp_path / "model.keras")
    assert blocks_of(again) == blocks
    assert explained_layer(again) == layer


def without_description(path):
    """Rewrite a `.keras` file as it was before networks stored their description."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])

    def strip(value):
        if isinstance(value, dict):
            if value.get("class_name") == "CellInput":
                del value["config"]["network"]
            value = list(value.values())
        for part in value if isinstance(value, list) else ():
            strip(part)

    strip(config)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in parts.items():
            file.writestr(name, json.dumps(config) if name == "config.json" else content)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("scratch", {}),
        ("resnet18", {"drop_blocks": 2}),
        ("resnet18", {"cut": "layer2_1_relu"}),
        ("resnet18", {"cut": "layer2_0_relu", "head": HEADS["multi-depth"]}),
        ("resnet18", {"drop_blocks": 1, "head": HEADS["multi-depth"]}),
        ("resnet18", {"drop_blocks": 1, "cut": None, "head": Head(pooling="mean-std", depths=2)}),
    ],
)
def test_an_old_file_still_works(tmp_path, name, arguments):
    model = build_network(find_architecture(name), preprocessing={"image_size": 96}, **arguments)
    path = tmp_path / "model.keras"
    model.save(path)
    without_description(path)
    old = load_network(path)
    assert old.get_layer("scale").network is None
    assert blocks_of(old) == blocks_of(model)
    assert explained_layer(old) == explained_layer(model)
    cells = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)
    np.testing.assert_array_equal(old(cells), model(cells))
    old.save(path)
    assert blocks_of(load_network(path)) == blocks_of(model)
    model.save_weights(tmp_path / "model.weights.h5")
    assert load_file(old, blocks_of(old), tmp_path / "model.weights.h5").random == ()


def test_a_network_of_0_1_0_still_works(tmp_path):
    """Its default head ended the base in a block's middle, and its description has fields that are gone."""
    model = build_network(find_architecture("resnet18"), preprocessing={"image_size": 96}, cut="layer2_0_relu")
    stored = model.get_layer("scale").network
    stored |= {"drop_blocks": 1, "cut": None, "head": {**stored["head"], "coarsest": 8}}
    stored["blocks"] = [{**block, "texture": ""} for block in stored["blocks"]]
    model.save(tmp_path / "model.keras")
    old = load_network(tmp_path / "model.keras")
    assert [block.last for block in blocks_of(old)] == ["maxpool", "layer1_1_relu", "layer2_0_relu"]
    assert explained_layer(old) == "layer2_0_relu"
    cells = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 3), np.uint8)
    np.testing.assert_array_equal(old(cells), model(cells))


def test_an_old_ensemble_still_works(tmp_path):
    networks = [build_network(find_architecture("scratch"), preprocessing={"image_size": 60}) for _ in range(2)]
    build_ensemble(networks).save(tmp_path / "model.keras")
    without_description(tmp_path / "model.keras")
    for member in members_of(load_network(tmp_path / "model.keras")):
        assert blocks_of(member) == blocks_of(networks[0])


def test_a_registered_network_counts_its_parameters_and_is_listed(registered, caplog, capsys):
    whole = 27 * 4 + 36 * 6 + 54 * 8 + 4 * (4 + 6 + 8)
    assert (registered.parameters, registered.parameters_truncated) == (whole, whole - 54 * 8 - 4 * 8)
    assert find_architecture("nasnet_mobile") is registered
    print_models(ModelsConfig())
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("nasnet_mobile"))
    assert row.split() == ["nasnet_mobile", str(whole), str(whole - 464), "32", "8/4", "none", *names(registered)]
    with pytest.raises(UserError, match="nasnet_mobile has no ImageNet weights"):
        load_imagenet(build_network(registered), registered, registered.blocks)


def names(record):
    return [block.name for block in record.blocks]


@pytest.mark.slow
def test_a_registered_network_trains(registered, tiny_cells, tmp_path):
    from leukemia_tf.workflows.train import train

    config = TrainConfig(
        base="nasnet_mobile", data=tiny_cells, out=tmp_path / "run", image_size=SIZE, epochs=1, batch_size=8
    )
    run = train(config)
    model = load_network(run.model)
    assert [block.name for block in blocks_of(model)] == names(registered)
    assert run.metrics.is_file()


def test_a_constructor_by_its_path_and_one_block(registered):
    alone = replace(
        RECORD,
        name="scratch-1",
        constructor="leukemia_tf.models.networks.scratch:scratch_base",
        image_size=60,
        blocks=(Block("all", "block4_pool", 60),),
    )
    added = register_architecture(alone)
    assert added.parameters == added.parameters_truncated == 388_416
    assert [block.name for block in blocks_of(build_network(added))] == ["all"]
    print_models(ModelsConfig())


def whole_model(include_top=False, weights=None, input_tensor=None):
    return "a model"


def without_arguments():
    return keras.Model()


def no_backbone(include_top=False, weights=None, input_tensor=None):
    return tiny_base(input_tensor=keras.Input((SIZE, SIZE, 3)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"blocks": ()}, r"`blocks`: it takes one block or more, .*Received: blocks=\[\]"),
        ({"blocks": (RECORD.blocks[0],) * 2}, r"of different names.*\['stage1', 'stage1'\]"),
        ({"blocks": (Block("stage1", "stage1_pol", 2),)}, "no layer of that name for stage1; did you mean stage1_pool"),
        ({"blocks": (Block("stage1", "stage1_pool", 2, "relu9"),)}, "no layer of that name.*Received: blocks='relu9'"),
        ({"blocks": RECORD.blocks[::-1]}, "not in nasnet_mobile's order"),
        ({"name": "resnet50"}, "a network of that name exists.*Received: name='resnet50'"),
        ({"name": "my net"}, "it takes letters"),
        ({"scaling": "imagenet"}, "`scaling`: choose one of unit, symmetric"),
        ({"head": "dense"}, "`head`: no such head"),
        ({"image_size": 4}, "`image_size`: nasnet_mobile up to stage3_pool needs 8 pixels"),
        ({"constructor": whole_model}, r"`constructor`: called with .* it builds no backbone"),
        ({"constructor": without_arguments}, "unexpected keyword argument"),
        ({"constructor": no_backbone}, "it builds no backbone"),
        ({"constructor": "keras.applications:NoNet"}, "NoNet"),
        ({"constructor": "no_such_module:Net"}, "No module named 'no_such_module'"),
        ({"constructor": "keras.applications.ResNet50"}, "it builds no backbone"),
    ],
)
def test_a_bad_record_is_refused(changes, message):
    before = dict(table.ARCHITECTURES)
    with pytest.raises(ArgumentError, match=message) as caught:
        register_architecture(replace(RECORD, **changes))
    assert "\n" not in str(caught.value)
    assert before == table.ARCHITECTURES


def test_a_taken_name_can_be_replaced(registered):
    with pytest.raises(ArgumentError, match="take another, or say `replace=True`"):
        register_architecture(RECORD)
    assert register_architecture(replace(RECORD, reference="2nd"), replace=True).reference == "2nd"
    assert find_architecture("nasnet_mobile").reference == "2nd"
    with pytest.raises(ArgumentError, match="it takes an Architecture"):
        register_architecture("resnet50")


@keras.saving.register_keras_serializable("tests")
class Scaled(layers.Layer):
    """Multiplies features by a weight."""

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(), initializer="ones")

    def call(self, inputs):
        return inputs * self.factor


def two_layers(features):
    return layers.Dense(5, activation="gelu", name="mine")(Scaled(name="scaled")(features))


def saved(model, path):
    set_calibration(model, Calibration(temperature=2.0, threshold=0.4))
    model.save(path)
    return load_network(path)


def test_a_head_as_a_function(tmp_path):
    model = build_network(find_architecture("scratch"), 1, {"image_size": 60}, head=two_layers)
    assert [layer.name for layer in groups(model)["head"]] == ["pool", "scaled", "mine", "logit", "probability"]
    assert model.get_layer("pool").output.shape == (None, 128)
    assert model.get_layer("logit").kernel.shape == (5, 1)
    again = saved(model, tmp_path / "model.keras")
    cells = np.random.default_rng(0).integers(0, 256, (3, 60, 60, 3), np.uint8)
    expected = logit_model(model)(cells)
    np.testing.assert_array_equal(logit_model(again)(cells), expected)
    np.testing.assert_allclose(again(cells), 1 / (1 + np.exp(-np.array(expected) / 2)), rtol=1e-5)
    assert again.get_layer("scale").network["head"]["function"] == "two_layers"
    assert explained_layer(again) == "block3_conv"


def test_a_head_as_a_function_of_other_pooled_features():
    one = replace(HEADS["multi-depth"], depths=1, function=two_layers)
    model = build_network(find_architecture("resnet18"), 1, {"image_size": 96}, head=one)
    head = ["pool_mask", "pool", "standard", "scaled", "mine", "logit", "probability"]
    assert [layer.name for layer in groups(model)["head"]] == head
    identity = build_network(find_architecture("scratch"), 1, {"image_size": 60}, head=lambda features: features)
    assert identity.get_layer("logit").kernel.shape == (128, 1)


def test_a_head_with_layers_that_are_not_registered_does_not_load(tmp_path):
    class Unregistered(layers.Layer):
        def call(self, inputs):
            return inputs

    heads = {"class": Unregistered(), "lambda": layers.Lambda(lambda features: 2 * features)}
    for name, head in heads.items():
        path = tmp_path / f"{name}.keras"
        build_network(find_architecture("scratch"), 1, {"image_size": 60}, head=head).save(path)
        with pytest.raises(RunError, match=f"{name}.keras is not a network"):
            load_network(path)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("dense256", "`head`: it takes a Head, or a function.*Received: head='dense256'"),
        (lambda features: None, r"`head`: .*it has to return a Keras tensor \[n, k\]\. Received: head=None"),
        (lambda features: features[0], r"it has to return a Keras tensor \[n, k\]"),
        (lambda features: np.zeros((4, 5)), "it has to return a Keras tensor"),
    ],
)
def test_a_bad_head_is_refused(head, message):
    with pytest.raises(ArgumentError, match=message):
        build_network(find_architecture("scratch"), 1, {"image_size": 60}, head=head)
