"""A refit: all patients, the stages and epochs of the run that it follows, and no score of its own."""

import json
import shutil

import pytest

from leukemia_tf.config import EvaluateConfig, TrainConfig
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.core.files import read_csv, write_csv, write_json
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.refit import completed_stages
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.train import train


def test_refit(tiny_run, tmp_path):
    run = train(TrainConfig(refit=tiny_run.path, out=tmp_path / "refit"))
    assert {cell.split for cell in read_cells(run.cells)} == {"train"}
    rows = read_csv(run.history)
    (stage,) = completed_stages(tiny_run, "last")
    assert len(rows) == stage["ends"]
    assert {row["val_auroc"] for row in rows} == {""}
    metrics, evaluated = (json.loads(r.metrics.read_text()) for r in (run, tiny_run))
    assert metrics["parts"] == evaluated["parts"]
    assert metrics["scores_of"] == str(tiny_run)
    assert str(tiny_run) in metrics["caution"]
    assert run.read_config()["train"]["refit"] == str(tiny_run)
    with pytest.raises(RunError, match=f"trained on all its patients.*{tiny_run}"):
        evaluate(EvaluateConfig(run=run.path))
    with pytest.raises(RunError, match="is a refit itself"):
        train(TrainConfig(refit=run.path))
    with pytest.raises(UserError, match="`batch_size` beside `refit`"):
        train(TrainConfig(refit=tiny_run.path, batch_size=3))
    with pytest.raises(UserError, match=r"split.*refit"):
        train(TrainConfig(split="refit"))


def write_run(folder, stages, rows):
    run = RunFolder(folder)
    run.write_config(stages=[{"name": name, "epochs": 6, "patience": 2} for name in stages])
    write_csv(run.history, sorted({column for row in rows for column in row}), rows)
    return run


def ends(run, keep):
    stages = completed_stages(run, keep)
    assert {stage["patience"] for stage in stages} == {None}
    return [(stage["name"], stage["ends"]) for stage in stages]


def test_completed_stages(tmp_path):
    losses = {"head": [0.9, 0.7, 0.8], "one": [0.75, 0.74], "two": [0.8, 0.6, 0.5, 0.55]}
    rows = [
        {"stage": name, "image_size": 64, "val_loss": loss, "kept": int(loss == 0.5)}
        for name, values in losses.items()
        for loss in values
    ]
    run = write_run(tmp_path / "run", losses, rows)
    assert ends(run, "last") == [("head", 3), ("one", 2), ("two", 4)]
    assert ends(run, "best") == [("head", 2), ("two", 3)]  # two started from the head's second epoch
    for row in rows:
        row["image_size"] = {"head": 32, "one": 32, "two": 64}[row["stage"]]
    assert ends(write_run(tmp_path / "sizes", losses, rows), "best") == [("head", 2), ("two", 3)]
    rows = [{**row, "image_size": 64 if row["stage"] == "one" else 32} for row in rows if row["stage"] != "two"]
    assert ends(write_run(tmp_path / "larger", ("head", "one"), rows), "best") == [("head", 2), ("one", 2)]
    rows = [{**row, "val_loss": ""} for row in rows]
    assert ends(write_run(tmp_path / "unvalidated", ("head", "one"), rows), "best") == [("head", 3), ("one", 2)]


def test_completed_stages_of_an_older_run_are_those_that_improved_its_score(tmp_path):
    best = {"head": [1, 1, 0], "one": [0, 0], "two": [0, 1, 1, 0]}
    rows = [{"stage": name, "best": value} for name, values in best.items() for value in values]
    run = write_run(tmp_path, best, rows)
    stages = [{**stage, "if_better": True} for stage in run.read_config()["stages"]]
    run.write_config(stages=stages)
    assert ends(run, "last") == [("head", 2), ("two", 3)]
    assert not any("if_better" in stage for stage in completed_stages(run, "last"))


def test_a_run_with_a_head_of_an_earlier_version_is_refused(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    settings = run.read_config()
    settings["network"]["head"] |= {"coarsest": 8}
    write_json(run.config, settings)
    with pytest.raises(RunError, match="stand for another head in this version; train it anew"):
        train(TrainConfig(refit=run.path))


def test_an_unfinished_run_is_refused(tmp_path):
    RunFolder(tmp_path / "unfinished").write_config(train={})
    with pytest.raises(RunError, match="is not finished"):
        train(TrainConfig(refit=tmp_path / "unfinished"))
