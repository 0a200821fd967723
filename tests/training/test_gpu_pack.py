"""The pack for a GPU: its steps are the product's, and it runs, resumes and is reported without TensorFlow."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from leukemia_tf.data.balance import Sampling
from leukemia_tf.models.heads import HEADS
from leukemia_tf.models.layer_names import SCALE
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "benchmarks" / "gpu"
ALONE = """
import runpy, sys
sys.modules["tensorflow"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], {}, "__main__")
"""
STEPS = """
import json, sys
import jax.numpy as jnp
import numpy as np
sys.modules["tensorflow"] = None
sys.path.insert(0, sys.argv[2])
from cells import build
from device_views import cache_features, take_cells, take_features
from steps import Steps
from leukemia_tf.config import Augmentation
from leukemia_tf.models.heads import HEADS
from leukemia_tf.training.stages import Stage
with np.load(sys.argv[1]) as stored:
    arrays = {name: stored[name] for name in stored.files}
network = build("scratch", 60, HEADS["multi-depth"], 0)
for number, variable in enumerate(v for layer in network.model.layers for v in layer.variables):
    variable.assign(arrays[f"variable{number}"])
pixels, names = jnp.asarray(arrays["pixels"]), [block.name for block in network.blocks]
features = cache_features(network, pixels, arrays["hashes"], Augmentation(), 8)
losses, epoch, chosen = [], 0, np.arange(len(arrays["labels"]))
for record in json.loads(sys.argv[3]):
    stage = Stage(**record)
    learning, take = (names, take_cells(Augmentation())) if stage.learning else ((), take_features(8))
    source = pixels if stage.learning else features
    steps = Steps(network, learning, take)
    losses += steps.train(stage, source, arrays["labels"], arrays["patients"], chosen, 0, epoch, batch_size=8)
    epoch += stage.epochs
print(json.dumps(losses))
"""


def python(*arguments, **variables):
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_its_steps_lose_what_the_products_do(make_job, tmp_path):
    pytest.importorskip("jax", reason="JAX computes the pack's steps")
    head = HEADS["multi-depth"]
    job = make_job(head=head, count=(32, 8), batch_size=8, sampling=Sampling(patient_weight="equal"))
    train = job.examples("train", 60)
    arrays = {"pixels": train.cells.array, "labels": train.labels, "patients": train.patients}
    model = job.network.model
    variables = [np.array(variable) for layer in model.layers for variable in layer.variables]
    arrays |= {"hashes": np.array(train.hashes), **{f"variable{n}": value for n, value in enumerate(variables)}}
    np.savez(tmp_path / "start.npz", **arrays)
    assert model.get_layer(SCALE).scaling == "unit"
    stages = [
        {"name": "head", "learning": (), "learning_rate": 1e-2, "epochs": 3, "schedule": "cosine"},
        {"name": "top", "learning": ("block3",), "learning_rate": 1e-3, "epochs": 2},
        {"name": "two", "learning": ("block2", "block3"), "learning_rate": 1e-3, "epochs": 2, "layer_decay": 0.5},
    ]
    wanted = [row["loss"] for row in train_stages(job, [Stage(**stage) for stage in stages])]
    output = python("-c", STEPS, tmp_path / "start.npz", PROGRAMS, json.dumps(stages), KERAS_BACKEND="jax")
    np.testing.assert_allclose(json.loads(output.splitlines()[-1]), wanted, rtol=2e-3)
    assert wanted[-1] < wanted[0]


@pytest.mark.slow
def test_the_pack_runs_without_tensorflow_stops_and_goes_on(tmp_path):
    pytest.importorskip("jax", reason="JAX runs the pack")
    pack, out = tmp_path / "pack", tmp_path / "out"
    small = ("--base", "scratch", "--size", "60", "--side", "120", "--seeds", "1")
    about = json.loads(python(PROGRAMS / "prepare.py", pack, *small, KERAS_HOME=str(tmp_path)).splitlines()[-1])
    assert about["cells"] == about["of"]
    assert about["megabytes"] < 5
    run = ("-c", ALONE, pack / "run.py", "--out", out, "--batch", "16", "--bases", "scratch", "--sizes", "60")
    run = (*run, "--epochs", "1", "--matrix", "64", "--precision", "float32")
    assert "stopped before peak bfloat16" in python(*run, "--minutes", "0")
    assert "all is done" in python(*run, "--minutes", "60")
    results = json.loads((out / "results.json").read_text())
    assert sorted(results["folds"]) == [f"0-{fold}" for fold in range(5)]
    tested = [cell for fold in results["folds"].values() for cell in fold["cells"]]
    assert sorted(tested) == list(range(about["cells"]))
    assert set(results["scores"]["arms"]) == {"unfrozen", "frozen", "default"}
    assert all(row["train_augmented"] > 0 for row in results["jax"].values())
    assert all("skipped" in row for row in results["torch"].values())
    assert len((out / "predictions.csv").read_text().splitlines()) == 1 + 3 * about["cells"]
    del results["folds"]["0-3"]
    (out / "results.json").write_text(json.dumps(results))
    lines = python(*run, "--minutes", "60").splitlines()
    assert [line.split(":")[0] for line in lines if line.startswith(("folds", "jax"))] == ["folds 0-3"]
    page = tmp_path / "gpu.md"
    python(PROGRAMS / "report.py", out / "results.json", "--page", page)
    assert "| unfrozen to conv2 at full resolution | 0." in page.read_text()


def test_each_patient_has_as_many_cells_as_fit():
    code = (
        f"import sys; sys.path.insert(0, {str(PROGRAMS)!r})\n"
        + """
import numpy as np
from prepare import most_cells
sizes, groups = np.full(30, 10), np.repeat(["a", "b", "c"], [20, 8, 2])
for room, counts in ((1000, [20, 8, 2]), (185, [8, 8, 2]), (110, [4, 4, 2])):
    chosen = most_cells(sizes, groups, room)
    assert [int((groups[chosen] == name).sum()) for name in "abc"] == counts, (room, chosen)
"""
    )
    python("-c", code)
