"""Tests that take an `architecture` run for one row a family, and for every row with `-m slow`."""

import pytest

from leukemia_tf.models.table import ARCHITECTURES

FAST = (
    *("scratch", "resnet18", "vgg16", "densenet121", "googlenet", "alexnet", "squeezenet"),
    *("mobilenetv2", "mobilenetv3small", "efficientnetb0", "efficientnetv2b0", "convnexttiny", "xception"),
)


def pytest_generate_tests(metafunc):
    if "architecture" in metafunc.fixturenames:
        rows = [
            pytest.param(record, id=name, marks=() if name in FAST else pytest.mark.slow)
            for name, record in ARCHITECTURES.items()
        ]
        metafunc.parametrize("architecture", rows)
