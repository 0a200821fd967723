"""Tests of an `architecture` run for a row of most families, of the deepest only what is quick; all by `-m slow`."""

import pytest

from leukemia_tf.models.table import ARCHITECTURES

FAST = ("scratch", "resnet18", "vgg16", "squeezenet", "mobilenetv2")
DEEP = ("alexnet", "mobilenetv3small", "densenet121", "googlenet", "efficientnetb0", "xception")
BUILT = ("test_builds", "test_a_path_to_the_head_leads_through_every_block")
SERVED = ("resnet18", "mobilenetv2")  # each takes ten seconds


def pytest_generate_tests(metafunc):
    if "architecture" in metafunc.fixturenames:
        test = metafunc.function.__name__
        fast = (*FAST, *DEEP) if test in BUILT else SERVED if test == "test_exports" else FAST
        rows = [
            pytest.param(record, id=name, marks=() if name in fast else pytest.mark.slow)
            for name, record in ARCHITECTURES.items()
        ]
        metafunc.parametrize("architecture", rows)
