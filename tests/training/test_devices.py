"""Devices: what is chosen, and two of them giving the losses of one."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.settings import check_devices

SHARED = """
import json, sys
import keras, numpy as np
from leukemia_tf.training.devices import prepare_devices
scope, chosen = prepare_devices("float32", sys.argv[1])
with scope:
    from leukemia_tf.models.network import build_network, logit_model
    from leukemia_tf.models.freezing import set_trainable
    from leukemia_tf.models.heads import Head
    from leukemia_tf.models.table import find_architecture
    from leukemia_tf.models.network import blocks_of
    from leukemia_tf.training.optimizers import build_loss, build_optimizer
    from leukemia_tf.training.optimization import OptimizationConfig
    histories = {}
    for optimizer in ("adam", "sgd"):
        keras.utils.set_random_seed(0)
        model = build_network(find_architecture("mobilenetv2"), 3, {"image_size": 64}, Head(units=(), dropout=0.0))
        blocks = blocks_of(model)
        names = [block.name for block in blocks]
        set_trainable(model, blocks, names, names)
        trainer = logit_model(model)
        settings = OptimizationConfig(optimizer, ema=0.9)
        trainer.compile(build_optimizer(settings, 1e-3, {}), build_loss(settings))
        rng = np.random.default_rng(0)
        cells, labels = rng.integers(0, 256, (32, 64, 64, 3), np.uint8), rng.integers(0, 2, (32, 1)).astype("float32")
        histories[optimizer] = trainer.fit(cells, labels, 8, epochs=3, shuffle=False, verbose=0).history["loss"]
print(json.dumps([chosen["sharing_a_batch"], histories]))
"""


@pytest.mark.slow
def test_two_devices_give_the_losses_of_one():
    results = []
    for devices in ("1", "2"):
        command = [sys.executable, "-c", SHARED, devices]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        assert done.returncode == 0, done.stderr
        count, histories = json.loads(done.stdout.splitlines()[-1])
        assert count == int(devices)
        results.append(histories)
    for optimizer in ("adam", "sgd"):
        one, two = (histories[optimizer] for histories in results)
        np.testing.assert_allclose(one, two, rtol=1e-5)
        assert one[0] != one[-1]


@pytest.mark.slow
def test_a_run_on_two_devices(tiny_cells, tmp_path, run_module):
    flags = ("--base", "scratch", "--drop-last-block", "--image-size", "60", "--epochs", "1", "--batch-size", "8")
    done = run_module(".train", *flags, "--data", tiny_cells, "--out", "run", "--devices", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["computed_on"]["sharing_a_batch"] == 2


def test_mixed_precision_and_back():
    import keras

    try:
        _, chosen = prepare_devices("mixed")
        assert chosen["precision"] == keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        _, chosen = prepare_devices("auto")
    assert chosen["precision"] == "float32"  # no GPU here
    assert chosen["deterministic"]


@pytest.mark.parametrize(("precision", "devices"), [("half", "auto"), ("auto", "0"), ("auto", "all")])
def test_what_there_is_not(precision, devices):
    with pytest.raises(ArgumentError, match=r"precision='half'|devices='(0|all)'"):
        check_devices(precision, devices)
