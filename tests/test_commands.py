"""The commands, as a user types them: help, output, and one sentence with exit code 2 for bad input."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leukemia_tf.__main__ import COMMANDS
from leukemia_tf.config import TrainConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import write_json
from leukemia_tf.models.heads import HEADS
from leukemia_tf.models.table import ARCHITECTURES
from leukemia_tf.runs.open_runs import newest_run, open_run
from leukemia_tf.workflows.train import train

ROOT = Path(__file__).resolve().parent.parent


def test_the_table_of_commands(tmp_path, run_module):
    shown = run_module("", cwd=tmp_path).stdout
    assert all(f"leukemia_tf.{name}" in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name, tmp_path):
    script = (
        "import runpy, sys\n"
        f"sys.argv = ['x', '--help']\n"
        "try:\n"
        f"    runpy.run_module('leukemia_tf.{name}', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'cv2', 'numpy'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Example: python -m leukemia_tf." in done.stdout
    if name == "train":
        assert "leukemia_tf.models" in done.stdout
        assert all(head in done.stdout for head in HEADS)


def test_the_table_of_networks(tmp_path, run_module):
    records = json.loads(run_module(".models", "--json", cwd=tmp_path).stdout)
    assert [record["name"] for record in records] == list(ARCHITECTURES)
    parameters = {record["name"]: (record["parameters"], record["parameters_truncated"]) for record in records}
    assert parameters["resnet50"] == (23_587_712, 8_589_184)
    assert parameters["vgg16"] == (14_714_688, 7_635_264)
    shown = run_module(".models", cwd=tmp_path, LEUKEMIA_TF_WEIGHTS=str(tmp_path), KERAS_HOME=str(tmp_path)).stdout
    rows = {line.split()[0]: line for line in shown.splitlines()[1:] if line}
    assert all(name in rows for name in ARCHITECTURES)
    assert "download" in rows["resnet50"]
    assert "convert" in rows["resnet18"]
    (tmp_path / "resnet18.weights.h5").touch()
    shown = run_module(".models", cwd=tmp_path, LEUKEMIA_TF_WEIGHTS=str(tmp_path)).stdout
    assert "here" in next(line for line in shown.splitlines() if line.startswith("resnet18"))


def test_a_sentence_and_exit_code_2(tmp_path, run_module):
    done = run_module(".train", "--data", "nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "nowhere: no such folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert run_module(".train", "--image-size", "big", cwd=tmp_path).returncode == 2
    done = run_module(".train", "--augment.zoom", "0.5", "3", cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "--augment.zoom: it takes a probability" in done.stderr


def test_run_folders_that_cannot_be_used(tiny_run, tiny_cells, tmp_path):
    with pytest.raises(RunError, match="no trained run"):
        newest_run(tmp_path)
    with pytest.raises(RunError, match="not a run folder"):
        open_run(tmp_path)
    write_json(tmp_path / "config.json", {"format": 99})
    with pytest.raises(RunError, match="a run of another version: its format is 99"):
        open_run(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(RunError, match="not a run's settings"):
        open_run(tmp_path)
    with pytest.raises(RunError, match="is there already"):
        train(TrainConfig(base="scratch", data=tiny_cells, out=tiny_run.path))
