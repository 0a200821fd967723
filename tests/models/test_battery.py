"""What every architecture has to go through, at a tiny size."""

from itertools import pairwise

import keras
import numpy as np
import pytest

from leukemia_tf.core.errors import UserError
from leukemia_tf.models.architecture import network_name, remaining_blocks
from leukemia_tf.models.base import build_base
from leukemia_tf.models.freezing import block_layers, set_trainable
from leukemia_tf.models.fused_batchnorm import fuse_batch_normalization
from leukemia_tf.models.network import (
    blocks_of,
    build_network,
    explained_layer,
    load_network,
    logit_model,
    preprocessing_of,
)
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.training.stages import Plan

SIZE = 64
CELLS = np.random.default_rng(0).integers(0, 256, (4, 4, 4, 3), np.uint8).repeat(SIZE // 4, 1).repeat(SIZE // 4, 2)
LABELS = np.array([[0.0], [1.0], [0.0], [1.0]])


def build(architecture, drop_blocks=1):
    """Build a network whose predictions differ from cell to cell: random scales, statistics from the cells."""
    keras.utils.set_random_seed(0)
    model = build_network(architecture, drop_blocks, {"image_size": SIZE})
    draw, momenta = np.random.default_rng(1), {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            momenta[layer], layer.momentum = layer.momentum, 0.0
            layer.beta.assign(draw.normal(0, 0.2, layer.beta.shape))
            if layer.scale:
                layer.gamma.assign(draw.uniform(0.7, 1.3, layer.gamma.shape))
    model(CELLS, training=True)
    for layer, momentum in momenta.items():
        layer.momentum = momentum
    return model


def moving_statistics(model):
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return [
        keras.ops.convert_to_numpy(value) for layer in norms for value in (layer.moving_mean, layer.moving_variance)
    ]


def snapshot(groups):
    return {
        name: [keras.ops.convert_to_numpy(weight) for layer in layers for weight in layer.weights]
        for name, layers in groups.items()
    }


def changed(before, after):
    return {name for name in before if any((a != b).any() for a, b in zip(before[name], after[name], strict=True))}


def step(model):
    trainer = logit_model(model)
    trainer.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True), run_eagerly=True)
    trainer.fit(CELLS, LABELS, batch_size=4, verbose=0)


@pytest.mark.parametrize("drop_blocks", [0, 1])
def test_builds(architecture, drop_blocks):
    model = build_network(architecture, drop_blocks, {"image_size": SIZE})
    assert model.name == network_name(architecture, drop_blocks).replace("-", "_")
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model) and len(layer.layers) > 3]
    assert not nested
    assert len(model.get_layer(explained_layer(model)).output.shape) == 4
    blocks = remaining_blocks(architecture, drop_blocks)
    assert blocks_of(model) == blocks
    groups = block_layers(model, blocks)
    named = [layer.name for layers in groups.values() for layer in layers]
    assert len(named) == len(set(named))
    assert {layer.name for layer in model.layers} - set(named) == {"cell", "scale"}
    for block in blocks:
        assert {block.last, block.explain or block.last} <= {layer.name for layer in groups[block.name]}
    parameters = sum(layer.count_params() for name in groups if name != "head" for layer in groups[name])
    assert parameters == (architecture.parameters_truncated if drop_blocks else architecture.parameters)


@pytest.mark.parametrize("drop_blocks", [0, 1])
def test_smallest_size(architecture, drop_blocks):
    smallest = remaining_blocks(architecture, drop_blocks)[-1].smallest_size
    base, _ = build_base(architecture, keras.Input((smallest, smallest, 3)), drop_blocks)
    assert min(base.output.shape[1:3]) >= 1
    with pytest.raises(UserError, match=f"{architecture.name}.* {smallest} pixels.*image_size={smallest - 1}"):
        build_base(architecture, keras.Input((smallest - 1, smallest - 1, 3)), drop_blocks)


def test_a_path_to_the_head_leads_through_every_block(architecture):
    """What lies in later blocks depends on earlier ones through their last layer alone."""
    base, blocks = build_base(architecture, keras.Input((SIZE, SIZE, 3)))
    for before, block in pairwise(blocks):
        keras.Model(base.get_layer(before.last).output, base.get_layer(block.last).output)


def test_each_stage_changes_its_blocks_and_no_statistics(architecture):
    model = build(architecture)
    blocks = blocks_of(model)
    names = [block.name for block in blocks]
    groups, statistics = block_layers(model, blocks), moving_statistics(model)
    stages = plan_stages(Plan("progressive", 1e-3, 1e-5), names, names)
    for stage in (stages[0], stages[1], stages[-1]):
        set_trainable(model, blocks, stage.learning, names)
        before = snapshot(groups)
        step(model)
        assert changed(before, snapshot(groups)) == {*stage.learning, "head"}
    assert all((a == b).all() for a, b in zip(statistics, moving_statistics(model), strict=True))


def test_trains_from_the_start(architecture):
    model = build(architecture)
    blocks = blocks_of(model)
    set_trainable(model, blocks, [block.name for block in blocks], pretrained=())
    statistics = moving_statistics(model)
    step(model)
    after = moving_statistics(model)
    assert all(np.isfinite(b).all() and (a != b).any() for a, b in zip(statistics, after, strict=True))
    assert np.isfinite(keras.ops.convert_to_numpy(model(CELLS))).all()


def test_saves_and_reloads(architecture, tmp_path):
    model = build(architecture)
    probabilities = keras.ops.convert_to_numpy(model(CELLS))
    model.save(tmp_path / "model.keras")
    again = load_network(tmp_path / "model.keras")
    assert preprocessing_of(again) == {"image_size": SIZE}
    assert explained_layer(again) == explained_layer(model)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(CELLS)), probabilities)
    logit = keras.ops.convert_to_numpy(logit_model(model)(CELLS))
    assert len(np.unique(logit)) == len(CELLS)
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), probabilities, atol=1e-5)


def test_fused_predicts_the_same(architecture):
    model = build(architecture)
    fused = fuse_batch_normalization(model)
    assert preprocessing_of(fused) == preprocessing_of(model)
    ends = [block.last for block in blocks_of(model)[:-1]]  # at random weights, rounding grows from block to block
    networks = [
        keras.Model(one.input, [one.output, *(one.get_layer(end).output for end in ends)]) for one in (model, fused)
    ]
    expected, received = ([keras.ops.convert_to_numpy(value) for value in network(CELLS)] for network in networks)
    np.testing.assert_allclose(received[0], expected[0], atol=2e-4)
    for here, there in zip(expected[1:], received[1:], strict=True):
        np.testing.assert_allclose(there, here, atol=1e-3 * np.abs(here).max())
    assert explained_layer(fused) == explained_layer(model)
    convolutions = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    convolved = {id(layer.output) for layer in fused.layers if isinstance(layer, convolutions)}
    norms = [layer for layer in fused.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert not any(id(layer.input) in convolved for layer in norms)


def test_mixed_precision(architecture):
    exact = build(architecture)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build(architecture)
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(exact.get_weights())
    assert str(mixed.get_layer(explained_layer(mixed)).output.dtype) == "bfloat16"
    first = blocks_of(exact)[0].last  # at random weights, rounding grows from block to block
    maps = [keras.Model(model.input, model.get_layer(first).output)(CELLS) for model in (exact, mixed)]
    maps = [keras.ops.convert_to_numpy(keras.ops.cast(values, "float32")).ravel() for values in maps]
    assert np.corrcoef(*maps)[0, 1] > 0.99
    logits = keras.ops.convert_to_numpy(logit_model(mixed)(CELLS))
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()


def test_explains(architecture):
    from leukemia_tf.explain.methods import METHODS
    from leukemia_tf.explain.target import Target

    model = build(architecture)
    target, heat = Target(model), METHODS["gradcam"].heat
    maps = np.stack([heat(target, CELLS, np.full(len(CELLS), sign, np.float32)) for sign in (1.0, -1.0)])
    assert maps.shape[1:] == (len(CELLS), *model.get_layer(explained_layer(model)).output.shape[1:3])
    assert maps.max(axis=(0, 2, 3)).min() > 0


@pytest.mark.slow
def test_exports(architecture, tmp_path):
    import tensorflow as tf

    from leukemia_tf.serving.saved_model import write_saved_model

    model = build(architecture)
    write_saved_model(fuse_batch_normalization(model), tmp_path, architecture.name)
    served = tf.saved_model.load(tmp_path)
    files = [tf.io.encode_png(cell).numpy() for cell in CELLS[:2]]
    outputs = served.signatures["serving_default"](image_bytes=tf.constant(files))
    np.testing.assert_allclose(outputs["probability"], model(CELLS[:2])[:, 0], atol=2e-4)  # rounding, at random weights
