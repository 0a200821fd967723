"""Tasks in this process and on a real Ray cluster of two nodes, one of which is killed."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from leukemia_tf.config import CrossvalConfig, EngineConfig, PredictConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.core.files import read_csv
from leukemia_tf.models.network import load_network
from leukemia_tf.runs.parallel import run_tasks
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.crossval import crossval
from leukemia_tf.workflows.predict import predict

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ["--base", "scratch", "--framing", "cell", "--stain-normalization", "none", "--image-size", "60"]
TINY = [*SETTINGS, "--batch-size", "8"]
FOLDS = ["--epochs", "1", "--folds", "3", "--validation", "0"]


@pytest.fixture
def cluster(monkeypatch):
    """A head and a second node, a processor each; gives the cluster and a function that kills the second."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray", reason="Ray is not installed (extra `cluster`)")
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = started.add_node(num_cpus=1)
    yield started, lambda: started.remove_node(second, allow_graceful=False)
    ray.shutdown()
    started.shutdown()


def command(name, *arguments, **environment):
    """Run a command as a user would; return the process."""
    words = [sys.executable, "-m", f"leukemia_tf.{name}", *map(str, arguments)]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.Popen(words, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process):
    """Wait for a process that must go well; return what it wrote."""
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def test_in_this_process_tasks_run_in_order_as_their_results_are_taken():
    taken = []

    def tasks():
        for number in range(3):
            taken.append(number)
            yield (number, 2)

    done = run_tasks(pow, tasks(), EngineConfig())
    assert next(done) == (0, 0)
    assert taken == [0]
    assert list(done) == [(1, 1), (2, 4)]


def test_every_task_is_done_though_a_node_is_killed(cluster):
    running_cluster, kill = cluster
    tasks = [(f"sleep 0.7; echo {number}",) for number in range(8)]
    done = {}
    for number, (status, text) in run_tasks(
        subprocess.getstatusoutput, tasks, EngineConfig(engine="ray", address=running_cluster.address)
    ):
        if not done:
            kill()
        done[number] = (status, text)
    assert done == {number: (0, str(number)) for number in range(8)}


def test_an_address_that_does_not_answer_is_refused_soon(tmp_path, tiny_cells):
    pytest.importorskip("ray", reason="Ray is not installed (extra `cluster`)")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        for config in (
            CrossvalConfig(base="scratch", data=tiny_cells, out=tmp_path / "out", engine="ray", address=address),
            PredictConfig(images=tiny_cells, engine="ray", address=f"ray://{address}"),
        ):
            with pytest.raises(
                UserError, match=r"`address`: no Ray cluster answers there .*Received: address='.*127\.0\.0\.1"
            ):
                (predict if isinstance(config, PredictConfig) else crossval)(config)
        assert time.monotonic() - began < 30
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"engine": "rai"}, "`engine`: .*ray.* Received: engine='rai'"),
        ({"engine": "ray", "cpus": 0}, "Received: cpus=0"),
        ({"address": "here:1"}, "say `engine=ray` .* Received: address='here:1'"),
        ({"engine": "ray", "address": "nowhere"}, "Received: address='nowhere'"),
    ],
)
def test_engines_that_cannot_be_are_refused(changes, sentence, tiny_cells):
    if changes.get("engine") == "ray":
        pytest.importorskip("ray", reason="Ray is not installed (extra `cluster`)")
    with pytest.raises(UserError, match=sentence):
        predict(PredictConfig(images=tiny_cells, **changes))


@pytest.mark.slow
def test_folds_and_predictions_are_the_same_bits_though_a_node_is_killed(cluster, tiny_cells, tmp_path):
    running_cluster, kill = cluster
    here, there = tmp_path / "here", tmp_path / "there"
    flags = [*TINY, *FOLDS, "--data", tiny_cells]
    on_ray = ["--engine", "ray", "--address", running_cluster.address]
    ended(command("crossval", *flags, "--out", here, OMP_NUM_THREADS="1"))
    running = command("crossval", *flags, "--out", there, *on_ray)
    while running.poll() is None and not list(there.glob("seed-0-fold-*/history.csv")):
        time.sleep(0.1)
    assert running.poll() is None
    kill()
    ended(running)
    assert (there / "predictions-seed-0.csv").read_bytes() == (here / "predictions-seed-0.csv").read_bytes()
    for fold in range(3):
        one, other = (RunFolder(folder / f"seed-0-fold-{fold}") for folder in (here, there))
        for first, second in zip(*(load_network(run.model).get_weights() for run in (one, other))):
            assert np.array_equal(first, second)
        rows = [[{**row, "seconds": ""} for row in read_csv(run.history)] for run in (one, other)]
        assert rows[0] == rows[1]
    run = here / "seed-0-fold-0"
    ended(command("predict", tiny_cells, "--run", run, "--out", tmp_path / "here.csv", OMP_NUM_THREADS="1"))
    ended(command("predict", tiny_cells, "--run", run, "--out", tmp_path / "there.csv", *on_ray))
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.slow
def test_a_search_finds_the_same_on_a_cluster(cluster, tiny_cells, tmp_path):
    running_cluster, _ = cluster
    flags = [*SETTINGS, "--epochs", "1"]
    flags += ["--trials", "2", "--folds", "2", "--method", "random", "--data", tiny_cells]
    on_ray = ["--engine", "ray", "--address", running_cluster.address]
    ended(command("tune", *flags, "--out", tmp_path / "here", OMP_NUM_THREADS="1"))
    ended(command("tune", *flags, "--out", tmp_path / "there", *on_ray))
    trials = [
        [{**row, "seconds": ""} for row in read_csv(tmp_path / name / "trials.csv")] for name in ("here", "there")
    ]
    assert trials[0] == trials[1]
    assert all(row["score"] for row in trials[0])
