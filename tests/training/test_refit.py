"""A refit: all patients, the stages and epochs of the run that it follows, and no score of its own."""

import json
import shutil

import pytest

from leukemia_tf.config import EvaluateConfig, TrainConfig
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.core.files import read_csv, write_csv, write_json
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.training.objects import HISTORY
from leukemia_tf.training.refit import completed_stages
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.train import train


def test_refit(tiny_run, tmp_path):
    run = train(TrainConfig(refit=tiny_run.path, out=tmp_path / "refit"))
    assert {cell.split for cell in read_cells(run.cells)} == {"train"}
    rows = read_csv(run.history)
    (stage,) = completed_stages(tiny_run)
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


def test_completed_stages_are_those_that_improved_the_score(tmp_path):
    run = RunFolder(tmp_path)
    stages = [{"name": name, "epochs": 6, "if_better": name == "two"} for name in ("head", "one", "two")]
    run.write_config(stages=stages)
    best = {"head": [1, 1, 0], "one": [0, 0], "two": [0, 1, 1, 0]}
    rows = [{"stage": name, "best": value} for name, values in best.items() for value in values]
    write_csv(run.history, HISTORY, rows)
    assert [(s["name"], s["ends"], s["if_better"]) for s in completed_stages(run)] == [
        ("head", 2, False),
        ("two", 3, False),
    ]


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
