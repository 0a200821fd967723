"""How many parameters each stage of the main report's recipes trains, against the report's own layer tables."""

import math
import re

import pytest

from leukemia_tf.config.recipes import from_recipe, read_recipe
from leukemia_tf.models.freezing import set_trainable, weighted_layers
from leukemia_tf.models.network import build_network
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.settings import dropped_blocks, resolve_head
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.workflows.plan import plan_of

COUNTS = {  # all parameters; those that learn in each stage. In the report's figures, except where a sum is written out
    "vgg16": (21_137_729, [6_423_041, 6_423_041 + 3 * (9 * 512 * 512 + 512)]),
    "vgg16-cut": (
        7_766_849,
        [131_585, 131_585 + 5_899_776, 131_585 + 5_899_776 + 1_475_328, 7_728_129],
    ),
    "resnet50": (23_589_761, [2_049, 4_467_713]),
    "resnet50-cut": (8_851_841, [262_657, 8_851_841 - 30_592]),
    "resnet50-cut-rmsprop": (9_114_497, [525_313, 9_083_905]),
    "mobilenetv2": (2_259_265, [1_281, 887_361]),
}


def trainable(name, size=64):
    """Return all parameters of a recipe's network, and those that learn in each of its stages."""
    config = from_recipe(name)
    architecture = find_architecture(config.base)
    size = config.image_size if name == "vgg16" else size  # what is flattened depends on it
    head = resolve_head(config, architecture)
    model = build_network(architecture, dropped_blocks(config), {"image_size": size}, head)
    blocks = architecture.blocks[: len(architecture.blocks) - dropped_blocks(config)]
    layers = weighted_layers(model, blocks)
    counts = []
    for stage in plan_stages(plan_of(config, config.lr), list(layers), list(layers), layers):
        set_trainable(model, blocks, stage.learning, list(layers), stage.train_batchnorm)
        counts.append(sum(math.prod(weight.shape) for weight in model.trainable_weights))
    return model.count_params(), counts


@pytest.mark.parametrize("name", COUNTS)
def test_the_main_reports_trainable_parameters(name):
    assert trainable(name) == COUNTS[name]
    numbers = {int(number.replace(",", "")) for number in re.findall(r"\d+(?:,\d{3})+", read_recipe(name)["about"])}
    parameters, stages = COUNTS[name]
    assert numbers == {parameters, stages[0], stages[-1]}


def test_the_last_seven_bottlenecks_of_mobilenetv2():
    _, (head, tuned) = trainable("mobilenetv2-last7")
    last = 409_600 + 2 * 1280  # the last convolution
    bottlenecks = [(64, 96)] + 2 * [(96, 96)] + [(96, 160)] + 2 * [(160, 160)] + [(160, 320)]
    expanded = sum(
        fed * 6 * fed + 9 * 6 * fed + 6 * fed * given + 2 * (2 * 6 * fed + given) for fed, given in bottlenecks
    )
    assert (head, tuned) == (1_281, 1_281 + last + expanded)
