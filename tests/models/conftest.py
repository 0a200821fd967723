"""Tests of an `architecture` run for a row of most families (of what is served fewer), and for every with `-m slow`."""

import pytest

from leukemia_tf.models.table import ARCHITECTURES

FAST = (
    *("scratch", "resnet18", "vgg16", "densenet121", "googlenet", "alexnet", "squeezenet"),
    *("mobilenetv2", "mobilenetv3small", "efficientnetb0", "xception"),
)
SERVED = ("resnet18", "mobilenetv2", "efficientnetb0")  # each takes ten seconds


def pytest_generate_tests(metafunc):
    if "architecture" in metafunc.fixturenames:
        fast = SERVED if metafunc.function.__name__ in ("test_exports", "test_fused_predicts_the_same") else FAST
        rows = [
            pytest.param(record, id=name, marks=() if name in fast else pytest.mark.slow)
            for name, record in ARCHITECTURES.items()
        ]
        metafunc.parametrize("architecture", rows)
