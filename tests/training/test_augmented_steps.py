"""Cells augmented inside the step: the same training as with cells augmented beside it, without a call into Python."""

import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import Augmentation
from leukemia_tf.config.settings import mild_augmentation
from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.heads import Head
from leukemia_tf.training.inputs import make_inputs
from leukemia_tf.training.optimization import OptimizationConfig
from leukemia_tf.training.optimizers import build_loss, build_optimizer, training_accuracy

LINEAR = Head(units=(), dropout=0.0)


def trained(make_job, settings, in_step, epochs=3):
    job = make_job(head=LINEAR, pretrained=False, count=(24, 8), sampling=Sampling(augment=settings))
    train, val = job.examples("train", 60), job.examples("val", 60)
    inputs = make_inputs(job.network.model, train, val, job.sampling, 8, 0, cache_features=False, in_step=in_step)
    inputs.trainer.compile(
        build_optimizer(OptimizationConfig(), 1e-3, {}), build_loss(OptimizationConfig()), metrics=[training_accuracy()]
    )
    losses = []
    for epoch in range(epochs):
        losses += inputs.trainer.fit(inputs.training(epoch, 0), shuffle=False, verbose=0).history["loss"]
    return inputs, np.array(losses)


def operations(graph):
    kinds = {operation.type for operation in graph.get_operations()}
    return kinds | {node.op for function in graph.as_graph_def().library.function for node in function.node_def}


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [(Augmentation(), 1e-6), (Augmentation(stain=(1.0, 0.2), brightness=(1.0, 0.1), contrast=(1.0, 0.2)), 1e-3)],
    ids=["turns and flips", "colours"],
)
def test_the_losses_are_those_of_cells_augmented_beside_the_step(make_job, settings, tolerance):
    _, beside = trained(make_job, settings, in_step=False)
    inputs, inside = trained(make_job, settings, in_step=True)
    np.testing.assert_allclose(inside, beside, rtol=tolerance)
    assert len(set(np.round(inside, 4))) == 3
    logits = inputs.trainer.predict(inputs.validation(), verbose=0)
    assert logits.shape == (8, 1)
    assert np.ptp(logits) > 0


def test_a_step_with_the_default_views_calls_no_python(make_job):
    inputs, _ = trained(make_job, mild_augmentation(), in_step=True, epochs=0)
    (batch,) = inputs.training(0, 0).take(1)
    graph = tf.function(inputs.trainer.train_step).get_concrete_function(batch).graph
    assert not {kind for kind in operations(graph) if "PyFunc" in kind}
    assert "Conv2D" in operations(graph)


def test_mixed_cells_are_augmented_beside_the_step(make_job):
    inputs, _ = trained(make_job, Augmentation(mixup=(0.5, 0.2)), in_step=True, epochs=1)
    assert inputs.training(0, 0).element_spec[0].shape[1:] == (60, 60, 3)
