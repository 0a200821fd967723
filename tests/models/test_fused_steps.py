"""Training steps on a network's own variables, with frozen BatchNormalization fused and maps of another dtype."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.fused_steps import NormalizedConvolution, fuse_for_steps
from leukemia_tf.models.heads import Head
from leukemia_tf.models.layer_names import LOGIT
from leukemia_tf.models.network import blocks_of, build_network, logit_model
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.hardware import multiplies_bfloat16

SLOW = pytest.param("densenet121", marks=pytest.mark.slow)
BFLOAT16 = pytest.param(
    "mixed_bfloat16",
    0.06,
    marks=pytest.mark.skipif(not multiplies_bfloat16(), reason="this processor does not multiply bfloat16"),
)
SIDE = 64
CELLS = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)
TARGETS = (np.arange(6) % 2).astype(np.float32)[:, None]


def network(name, train_batchnorm=False):
    """A truncated network whose last two blocks learn, with statistics as after a training."""
    keras.utils.set_random_seed(0)
    model = build_network(find_architecture(name), 1, {"image_size": SIDE}, Head(pooling="mean-std", dropout=0))
    names = [block.name for block in blocks_of(model)]
    set_trainable(model, blocks_of(model), names[-2:], names, train_batchnorm)
    draw = np.random.default_rng(1)
    for norm in (layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)):
        norm.set_weights([draw.uniform(0.7, 1.3, weight.shape) for weight in norm.get_weights()])
    return model


def gradients(trainer):
    with tf.GradientTape() as tape:
        losses = keras.losses.binary_crossentropy(TARGETS, trainer(CELLS, training=True), from_logits=True)
    return [np.asarray(gradient) for gradient in tape.gradient(losses, trainer.trainable_variables)]


@pytest.mark.parametrize(("map_dtype", "error"), [("float32", 1e-4), BFLOAT16])
@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2", "vgg16", SLOW])
def test_logits_and_gradients_are_those_of_the_network(name, map_dtype, error):
    model = network(name)
    before = model.to_json()
    exact, near = logit_model(model), fuse_for_steps(logit_model(model), map_dtype)
    assert [id(each) for each in near.trainable_variables] == [id(each) for each in exact.trainable_variables]
    assert {id(each) for each in near.variables} == {id(each) for each in exact.variables}
    convolved = {layer.output.dtype for layer in near.layers if isinstance(layer, NormalizedConvolution)}
    assert convolved == {map_dtype.removeprefix("mixed_")}
    assert near.get_layer(LOGIT).output.dtype == near.get_layer(LOGIT).input.dtype == "float32"
    wanted, got = exact(CELLS).numpy(), near(CELLS).numpy()
    assert np.abs(got - wanted).max() < error * np.abs(wanted).max()
    for one, other in zip(gradients(exact), gradients(near)):
        assert np.linalg.norm(other - one) < 10 * error * np.linalg.norm(one)
    assert model.to_json() == before
    assert {layer.compute_dtype for layer in model.layers} <= {"float32", "uint8"}


def test_a_batch_normalization_that_learns_moves_its_statistics():
    model = network("resnet18", train_batchnorm=True)
    trainer = fuse_for_steps(logit_model(model), "float32")
    norms = [layer for layer in trainer.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert norms
    assert all(norm.trainable for norm in norms)
    before = [norm.moving_mean.numpy() for norm in norms]
    trainer.compile(keras.optimizers.SGD(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    trainer.train_on_batch(CELLS, TARGETS)
    assert all(not np.array_equal(norm.moving_mean.numpy(), mean) for norm, mean in zip(norms, before))
