"""What learns at each stage, to the bit."""

import keras
import numpy as np
import pytest

from leukemia_tf.models.freezing import block_layers, set_trainable
from leukemia_tf.models.network import build_network, kept_blocks, logit_model
from leukemia_tf.models.table import ARCHITECTURES, find_architecture
from leukemia_tf.training.stages import progressive

CELLS = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
LABELS = np.array([[0.0], [1.0], [0.0], [1.0]])


def snapshot(groups):
    return {name: [[w.numpy() for w in layer.weights] for layer in layers] for name, layers in groups.items()}


def changed(before, after):
    return {
        name
        for name in before
        if any(
            (a != b).any()
            for xs, ys in zip(before[name], after[name], strict=True)
            for a, b in zip(xs, ys, strict=True)
        )
    }


def step(model):
    trainer = logit_model(model)
    trainer.compile(keras.optimizers.Adam(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    trainer.fit(CELLS, LABELS, batch_size=4, verbose=0)


def moving_statistics(model):
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    return [value.numpy() for layer in norms for value in (layer.moving_mean, layer.moving_variance)]


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "mobilenetv2"])
def test_each_stage_changes_its_own_blocks_and_no_statistics(name):
    architecture = find_architecture(name)
    model, blocks = build_network(architecture, True, {"image_size": 64}), kept_blocks(architecture, True)
    names = [block.name for block in blocks]
    groups, statistics = block_layers(model, blocks), moving_statistics(model)
    stages = progressive(names, pretrained=names)
    for stage in (stages[0], stages[1], stages[-1]):
        set_trainable(model, blocks, stage.learning, names)
        before = snapshot(groups)
        step(model)
        assert changed(before, snapshot(groups)) == {*stage.learning, "head"}
    assert all((a == b).all() for a, b in zip(statistics, moving_statistics(model), strict=True))


def test_batch_normalization_learns_where_nothing_is_pretrained():
    architecture = find_architecture("mobilenetv2")
    model, blocks = build_network(architecture, True, {"image_size": 64}), kept_blocks(architecture, True)
    set_trainable(model, blocks, [block.name for block in blocks], pretrained=())
    statistics = moving_statistics(model)
    step(model)
    assert all((a != b).any() for a, b in zip(statistics, moving_statistics(model), strict=True))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_belongs_to_one_block(name):
    architecture = find_architecture(name)
    model = build_network(architecture, False, {"image_size": 64})
    groups = block_layers(model, architecture.blocks)
    named = [layer.name for layers in groups.values() for layer in layers]
    assert len(named) == len(set(named))
    assert {layer.name for layer in model.layers} - set(named) == {"cell", "scale"}
    for block in architecture.blocks:
        assert block.last in {layer.name for layer in groups[block.name]}
        assert not block.explain or block.explain in {layer.name for layer in groups[block.name]}
