"""The loop: best weights kept, useless unfreezing ended, and a killed training that ends with the same bits."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from leukemia_tf.config import TrainConfig
from leukemia_tf.data.balance import Sampling
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.data.store import Store
from leukemia_tf.errors import RunError
from leukemia_tf.models.architecture import kept_blocks
from leukemia_tf.models.network import build_network, load_network
from leukemia_tf.models.pretrained import Network
from leukemia_tf.models.table import find_architecture
from leukemia_tf.models.weights import Loaded
from leukemia_tf.run import RunFolder
from leukemia_tf.train import train
from leukemia_tf.training.checkpoint import load_progress, network_variables
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.loop import Task, train_stages
from leukemia_tf.training.stages import Stage

BLOCKS = kept_blocks(find_architecture("scratch"), True)


def examples(seed, labels):
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 256, (len(labels), 60, 60, 3), np.uint8)
    store = Store(("",) * len(labels), Preprocessing(60), cells)
    return Examples(store, np.array(labels, np.int32), np.array([f"{i}" for i in range(len(labels))]))


def run_stages(tmp_path, stages, scores):
    """Train with validation scores that are given instead of computed; return the model and what was kept when."""
    import keras

    keras.utils.set_random_seed(0)
    model = build_network(find_architecture("scratch"), True, {"image_size": 60})
    scores, seen = iter(scores), []

    def score(*_):
        seen.append([variable.numpy() for variable in network_variables(model)])
        value = next(scores)
        return {"val_auroc": value, "val_auroc_by_patient": value}

    data = examples(0, [0, 1] * 4), examples(1, [0, 1] * 2)
    network = Network(
        model, BLOCKS, Loaded("", tuple(block.name for block in BLOCKS), layers=3, random=(), parameters=0)
    )
    task = Task(network, *data, Sampling(), score, 4, 0, tmp_path / "history.csv", tmp_path / "state.npz")
    return model, train_stages(task, stages), seen


def equal(model, values):
    return all((a.numpy() == b).all() for a, b in zip(network_variables(model), values, strict=True))


def test_best_weights_of_all_stages_are_kept(tmp_path):
    stages = [Stage("head", (), 1e-2, 2, 2), Stage("one", ("block3",), 1e-2, 2, 2)]
    model, history, seen = run_stages(tmp_path, stages, [0.5, 0.9, 0.6, 0.7])
    assert equal(model, seen[1])
    assert not equal(model, seen[3])
    assert [row["stage"] for row in history] == ["head", "head", "one", "one"]


def test_patience_and_useless_stages_end_the_training(tmp_path):
    stages = [Stage("head", (), 1e-2, 9, 2), Stage("one", ("block3",), 1e-2, 9, 2), Stage("two", (), 1e-2, 9, 2)]
    _, history, _ = run_stages(tmp_path, stages, [0.5, 0.9, 0.8, 0.8, 0.7, 0.7])
    assert [row["stage"] for row in history] == ["head"] * 4 + ["one"] * 2
    with (tmp_path / "history.csv").open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == list("123456")


def test_a_damaged_state_is_refused(tmp_path):
    (tmp_path / "state.npz").write_bytes(b"rubbish")
    with pytest.raises(RunError, match="is damaged"):
        load_progress(tmp_path / "state.npz")


def command(cells, out, *more):
    flags = ["--base", "scratch", "--drop-last-block", "--image-size", "60", "--epochs", "4", "--batch-size", "8"]
    return [sys.executable, "-m", "leukemia_tf.train", *flags, "--data", str(cells), "--out", str(out), *more]


def wait_for(path, process):
    deadline = time.monotonic() + 120
    while not path.is_file() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def without_seconds(run):
    with run.history.open() as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]


def test_killed_and_resumed_ends_with_the_same_bits(tiny_cells, tmp_path):
    whole = train(
        TrainConfig(
            base="scratch",
            drop_last_block=True,
            data=tiny_cells,
            out=tmp_path / "whole",
            image_size=60,
            epochs=4,
            batch_size=8,
        )
    )
    torn = RunFolder(tmp_path / "torn")
    process = subprocess.Popen(command(tiny_cells, torn.path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(torn.checkpoint, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert torn.checkpoint.is_file()
    assert not torn.model.exists()
    train(TrainConfig(out=torn.path, resume=True))
    assert without_seconds(torn) == without_seconds(whole)
    assert torn.predictions("test").read_bytes() == whole.predictions("test").read_bytes()
    pairs = zip(load_network(torn.model).weights, load_network(whole.model).weights, strict=True)
    assert all((a.numpy() == b.numpy()).all() for a, b in pairs)


def test_interrupted_says_how_to_go_on(tiny_cells, tmp_path):
    torn = RunFolder(tmp_path / "torn")
    process = subprocess.Popen(
        command(tiny_cells, torn.path, "--epochs", "999"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    wait_for(torn.checkpoint, process)
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"go on: python -m leukemia_tf.train --out {torn} --resume" in said
    assert "Traceback" not in said


def test_resume_is_refused_where_it_cannot_be_exact(tiny_cells, tiny_run, tmp_path):
    with pytest.raises(RunError, match="name that folder"):
        train(TrainConfig(resume=True))
    with pytest.raises(RunError, match="not a run folder"):
        train(TrainConfig(resume=True, out=tmp_path))
