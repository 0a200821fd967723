"""Devices: what is chosen, and two of them giving the losses of one."""

import json
import logging
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import ArgumentError, RunError
from leukemia_tf.training.devices import count_devices, map_dtype, prepare_devices
from leukemia_tf.training.hardware import Device, multiplies_bfloat16, nvidia_cards
from leukemia_tf.training.settings import check_devices
from leukemia_tf.workflows.train import train

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


PREFETCHED = """
import keras, numpy as np, tensorflow as tf
from leukemia_tf.training.devices import on_device, prepare_devices
prepare_devices(devices="2")
rng = np.random.default_rng(0)
cells, draws, targets = (rng.random((50, width), np.float32) for width in (4, 2, 1))
class Steps(keras.Model):
    def train_step(self, data):
        (cells, draws), *rest = data
        return super().train_step((cells, *rest))
losses = []
for device in (None, "/CPU:1"):
    keras.utils.set_random_seed(0)
    cell = keras.Input((4,))
    trainer = Steps(cell, keras.layers.Dense(1)(cell))
    trainer.compile("adam", "mse")
    batches = tf.data.Dataset.from_tensor_slices(((cells, draws), targets)).batch(8)
    batches = on_device(batches, device) if device else on_device(batches)
    if device:
        assert all(batch[1].device.endswith("CPU:1") for batch in batches)
    losses += [trainer.fit(batches, shuffle=False, verbose=0).history["loss"]]
assert losses[0] == losses[1], losses
"""


@pytest.mark.slow
def test_batches_that_are_copied_ahead_train_the_same():
    done = subprocess.run([sys.executable, "-c", PREFETCHED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_run_on_two_devices(tiny_cells, tmp_path, run_module):
    flags = ("--base", "scratch", "--drop-last-block", "--image-size", "60", "--epochs", "1", "--batch-size", "8")
    done = run_module(".train", *flags, "--data", tiny_cells, "--out", "run", "--devices", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["computed_on"]["sharing_a_batch"] == 2


def test_a_processor_computes_in_float32_and_says_what_it_is(caplog):
    caplog.set_level(logging.INFO, "leukemia_tf")
    _, chosen = prepare_devices("auto")
    assert (chosen["precision"], chosen["xla"], chosen["deterministic"]) == ("float32", False, True)
    assert re.fullmatch(r"processor, \d+ threads?, \d+ GiB", chosen["devices"][0])
    assert f"computes on: {chosen['devices'][0]}; float32" in caplog.text


@pytest.mark.parametrize(
    ("flags", "variables", "wanted"),
    [
        ("fpu amx_bf16 amx_tile", {}, True),
        ("fpu avx512_bf16", {}, False),  # slower than float32
        ("fpu amx_bf16", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, False),  # convolutions of bfloat16 fail there
        ("fpu amx_bf16", {"TF_ENABLE_ONEDNN_OPTS": "0"}, False),
        (None, {}, False),
    ],
)
def test_bfloat16_where_the_processor_multiplies_it(flags, variables, wanted, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "leukemia_tf")
    for name in ("ONEDNN_MAX_CPU_ISA", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    cpuinfo = tmp_path / "cpuinfo"
    if flags:
        cpuinfo.write_text(f"flags\t\t: {flags}\n")
    assert multiplies_bfloat16(cpuinfo) == wanted
    monkeypatch.setattr("leukemia_tf.training.devices.multiplies_bfloat16", lambda: wanted)
    if wanted:
        _, chosen = prepare_devices("mixed")
        assert chosen["precision"] == map_dtype("mixed") == "mixed_bfloat16"
        assert map_dtype("auto") == "float32" == keras.config.dtype_policy().name
        assert "; mixed bfloat16" in caplog.text
    else:
        with pytest.raises(ArgumentError, match=r"there is no GPU, and this processor has no AMX.* Received"):
            prepare_devices("mixed")


@pytest.mark.parametrize(("devices", "gpus", "count"), [("auto", 0, 1), ("auto", 8, 1), ("2", 0, 2), ("4", 4, 4)])
def test_one_device_unless_more_are_requested(devices, gpus, count):
    assert count_devices(devices, gpus) == count


def test_more_devices_than_there_are():
    with pytest.raises(ArgumentError, match=r"there is one GPU: say `devices=1`, or auto\. Received: devices='3'"):
        count_devices("3", 1)
    with pytest.raises(ArgumentError, match="there are 2 GPUs: say `devices=2`"):
        count_devices("3", 2)


@pytest.mark.parametrize(("precision", "devices"), [("half", "auto"), ("auto", "0"), ("auto", "all")])
def test_what_there_is_not(precision, devices):
    with pytest.raises(ArgumentError, match=r"precision='half'|devices='(0|all)'"):
        check_devices(precision, devices)


def test_a_lack_of_memory_is_a_sentence(tiny_cells, tmp_path):
    def exhausted(targets, logits):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[8,60,60,32]")

    config = TrainConfig(base="scratch", data=tiny_cells, image_size=60, epochs=1, batch_size=8, out=tmp_path / "run")
    with pytest.raises(RunError, match="hold a step of 8 cells of 60 pixels: train again with `batch_size=4`, or a sm"):
        train(config, loss=exhausted)


CARD = """#!/bin/sh
echo 'NVIDIA H100 80GB HBM3, 81559'
"""


def test_a_card_without_cuda_is_named_with_the_cure(tmp_path, monkeypatch, caplog):
    program = tmp_path / "nvidia-smi"
    program.write_text(CARD)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    prepare_devices()
    (sentence,) = [line for line in caplog.messages if "has a GPU" in line]
    assert "NVIDIA H100 80GB HBM3, 80 GiB" in sentence
    assert "pip install 'leukemia_tf[gpu]'" in sentence
    caplog.clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    prepare_devices()
    assert not [line for line in caplog.messages if "has a GPU" in line]


def test_a_card_by_its_driver_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    card = tmp_path / "0000:01:00.0" / "information"
    card.parent.mkdir()
    card.write_text("Model: \t\t NVIDIA A100\nIRQ:   \t\t 24\n")
    assert nvidia_cards(tmp_path) == [Device("NVIDIA A100", 0)]
    assert nvidia_cards(tmp_path / "none") == []
