"""Killed at any moment and resumed, a training ends with the same bits; damaged and older states are noticed."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import SCRATCH
from leukemia_tf.models.heads import Head
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.checkpoints import FORMAT, Progress, _checksum, load_state, save_state
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages
from leukemia_tf.workflows.train import train

STAGES = (
    '[{"learning": "all", "epochs": 3, "learning_rate": 1e-3, "schedule": "one-cycle"},'
    ' {"learning": 1, "epochs": 3, "learning_rate": 1e-4, "schedule": "plateau:0.5:0"}]'
)
SETTINGS = {
    "base": "scratch",
    "drop_last_block": True,
    "image_size": 60,
    "batch_size": 4,
    "stages": STAGES,
    "optimizer": "sgd",
    "ema": 0.8,
}


def command(cells, out):
    flags = [
        *("--base", "scratch", "--drop-last-block", "--image-size", "60", "--batch-size", "4"),
        *("--stages", STAGES, "--optimizer", "sgd", "--ema", "0.8", "--data", str(cells), "--out", str(out)),
    ]
    return [sys.executable, "-m", "leukemia_tf.train", *flags]


def without_seconds(path):
    with path.open() as stream:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(stream)]


def check_same_run(torn, whole):
    assert without_seconds(torn.history) == without_seconds(whole.history)
    for part in ("val", "test"):
        assert torn.predictions(part).read_bytes() == whole.predictions(part).read_bytes()
    assert torn.batches.read_bytes() == whole.batches.read_bytes()
    pairs = zip(load_network(torn.model).weights, load_network(whole.model).weights, strict=True)
    assert all((a.numpy() == b.numpy()).all() for a, b in pairs)


@pytest.fixture(scope="module")
def whole(tiny_cells, tmp_path_factory):
    """A run that nobody killed, in a process of its own, as the others."""
    out = tmp_path_factory.mktemp("whole") / "run"
    subprocess.run(command(tiny_cells, out), check=True, capture_output=True)
    return RunFolder(out)


def kill(cells, run, when):
    """Start or go on with a run, and kill it when `when()` is true; return whether it was still running."""
    process = subprocess.Popen(command(cells, run.path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while process.poll() is None and not when() and time.monotonic() < deadline:
        time.sleep(0.002)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    _, output = process.communicate()
    assert running or process.returncode == 0, output.decode()
    return running


def saving(run):
    """Return whether a save is under way that was not left by a process before."""
    before = set(run.checkpoints.glob(f"{SCRATCH}*"))
    return lambda: set(run.checkpoints.glob(f"{SCRATCH}*")) - before


def test_killed_between_epochs_and_in_a_save(tiny_cells, whole, tmp_path):
    torn = RunFolder(tmp_path / "torn")
    assert kill(tiny_cells, torn, lambda: list(torn.checkpoints.glob("state-00002-*")))
    assert kill(tiny_cells, torn, saving(torn))
    assert kill(tiny_cells, torn, saving(torn))
    assert not torn.model.exists()
    train(TrainConfig(out=torn.path, resume=True))
    check_same_run(torn, whole)


@pytest.mark.slow
def test_interrupted_in_an_epoch_and_resumed(tiny_cells, whole, tmp_path):
    torn = RunFolder(tmp_path / "torn")
    process = subprocess.Popen(
        command(tiny_cells, torn.path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    deadline = time.monotonic() + 120
    while not list(torn.checkpoints.glob("state-00002-*")) and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    train(TrainConfig(out=torn.path, resume=True))
    check_same_run(torn, whole)


@pytest.mark.slow
def test_killed_a_dozen_times_at_random(tiny_cells, whole, tmp_path):
    torn, rng, kills = RunFolder(tmp_path / "torn"), random.Random(0), 0
    for number in range(60):
        began, patience = time.monotonic(), rng.uniform(3.0, 9.0)
        states = len(list(torn.checkpoints.glob("state-*")))
        at = saving(torn) if number % 3 == 2 and states else lambda: time.monotonic() - began > patience  # noqa: B023
        if torn.metrics.is_file() or not kill(tiny_cells, torn, at):
            break
        kills += 1
    assert kills >= 10
    if not torn.metrics.is_file():
        train(TrainConfig(out=torn.path, resume=True))
    check_same_run(torn, whole)


@pytest.mark.slow
def test_the_same_command_twice_gives_the_same_bits(tiny_cells, whole, tmp_path):
    again = RunFolder(tmp_path / "again")
    subprocess.run(command(tiny_cells, again.path), check=True, capture_output=True)
    check_same_run(again, whole)


def test_running_it_again_is_refused_once_finished(tiny_cells, whole):
    with pytest.raises(RunError, match="is there already"):
        train(TrainConfig(**SETTINGS, data=tiny_cells, out=whole.path))


@pytest.mark.slow
def test_stopped_before_its_settings_were_written_it_starts_again(tiny_cells, whole, tmp_path):
    torn = RunFolder(tmp_path / "torn")
    torn.path.mkdir()
    for path in (whole.environment, whole.splits):
        (torn.path / path.name).write_bytes(path.read_bytes())
    subprocess.run(command(tiny_cells, torn.path), check=True, capture_output=True)
    check_same_run(torn, whole)


def test_the_users_files_are_left_alone(tiny_cells, tmp_path):
    (tmp_path / "splits.json").write_text("mine")
    with pytest.raises(RunError, match="is there already"):
        train(TrainConfig(**SETTINGS, data=tiny_cells, out=tmp_path))
    assert (tmp_path / "splits.json").read_text() == "mine"


class Values:
    """Stands for a Keras variable."""

    def __init__(self, value):
        self.value = value

    def numpy(self):
        return self.value


def saved(folder, epoch):
    progress = Progress(epoch=epoch, stage_epoch=epoch, lowest=0.5, kept_variables=[np.full(3, epoch)])
    return save_state(folder, progress, [Values(np.full((2, 2), epoch)), Values(np.int32(epoch))])


def test_states_are_read_back_and_the_last_two_stay(tmp_path):
    assert load_state(tmp_path)[0] == Progress()
    for epoch in range(5):
        saved(tmp_path, epoch)
    progress, values = load_state(tmp_path)
    assert (progress.epoch, progress.lowest, len(list(tmp_path.glob("state-*")))) == (4, 0.5, 2)
    np.testing.assert_array_equal(values[0], np.full((2, 2), 4))
    np.testing.assert_array_equal(progress.kept_variables[0], np.full(3, 4))


@pytest.mark.parametrize("harm", ["torn", "tampered", "empty"])
def test_a_damaged_state_gives_way_to_the_one_before(tmp_path, harm, caplog):
    saved(tmp_path, 1)
    last = saved(tmp_path, 2)
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes({"torn": bytes(content[:-7]), "tampered": bytes(content), "empty": b""}[harm])
    progress, _ = load_state(tmp_path)
    assert progress.epoch == 1
    assert "is damaged" in caplog.text
    for path in tmp_path.glob("state-*"):
        path.write_bytes(b"rubbish")
    with pytest.raises(RunError, match="delete that folder to train this run from the start"):
        load_state(tmp_path)


def test_a_state_of_an_earlier_version_is_refused_in_a_sentence(tmp_path):
    old = tmp_path / "old.npz"
    np.savez(old, progress=np.array(json.dumps({"stage": 0, "waited": 1, "doubt": 0.1})))
    old.rename(tmp_path / f"state-00001-000000-{_checksum(old)}.npz")
    with pytest.raises(
        RunError, match=f"its format is 1, this leukemia_tf .* reads format {FORMAT}. Delete {tmp_path} "
    ):
        load_state(tmp_path)


@pytest.mark.slow
def test_a_full_disk_loses_no_state(tmp_path, tiny_cells, whole):
    """A file system of a few megabytes, as Linux makes one in memory."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", small], check=False)
    if mounted.returncode:
        pytest.skip("mounting needs a right that this user lacks")
    try:
        run = RunFolder(small / "run")
        process = subprocess.run(command(tiny_cells, run.path), capture_output=True, text=True, check=False)
        assert process.returncode == 2
        assert "No space left" in process.stderr
        assert "Traceback" not in process.stderr
        assert not list(run.path.rglob(f"{SCRATCH}*"))
        subprocess.run(["mount", "-o", "remount,size=200m", small], check=True)
        train(TrainConfig(out=run.path, resume=True))
        check_same_run(run, whole)
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_folder_that_cannot_be_written_to(tmp_path, tiny_cells):
    (tmp_path / "file").write_text("")
    process = subprocess.run(
        command(tiny_cells, tmp_path / "file" / "run"), capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert process.returncode == 2
    assert "Traceback" not in process.stderr


def test_trained_statistics_resume_with_the_same_bits(make_job):
    """BatchNormalization that learns, behind cached features, in a training that stops in its second epoch."""
    stage = Stage("layers", ("layer1_1_conv2",), 1e-3, 3, 9, train_batchnorm=True)
    settings = {"head": Head(units=()), "size": 32, "base": "resnet18", "drop": 3, "count": (8, 4)}
    values = {}
    for folder in ("whole", "torn"):
        job = make_job(folder, **settings)
        if folder == "torn":
            with pytest.raises(KeyboardInterrupt):
                train_stages(replace(job, on_epoch=stop_in_the_second), [stage])
            job = make_job(folder, **settings)
        train_stages(job, [stage])
        values[folder] = {weight.path: weight.numpy() for weight in job.network.model.weights}
    assert all((value == values["torn"][path]).all() for path, value in values["whole"].items())
    assert values["whole"]["layer1_1_bn2/moving_mean"].any()
    assert not values["whole"]["layer1_1_bn1/moving_mean"].any()


def stop_in_the_second(row, losses):
    if row["epoch"] == 2:
        raise KeyboardInterrupt
