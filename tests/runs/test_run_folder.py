"""Run and study folders: settings of an earlier version, what cannot be opened, what must not be written over."""

import json
from datetime import datetime

import pytest

import leukemia_tf
from leukemia_tf.config import CrossvalConfig, TrainConfig
from leukemia_tf.core.errors import RunError
from leukemia_tf.core.files import SCRATCH, write_json
from leukemia_tf.runs import open_runs
from leukemia_tf.runs.environment import software_environment
from leukemia_tf.runs.open_runs import check_vacant, new_run_path, newest_run, open_run, run_or_newest
from leukemia_tf.runs.run_folder import FORMAT, RunFolder
from leukemia_tf.runs.study_folder import Study, open_study, resolve_study

EARLIER = {"base": "scratch", "contrast": "stain", "balance": "main-report"}


def test_settings_of_an_earlier_version_are_read_in_the_words_of_this_one(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.write_config(asked=EARLIER, train={**EARLIER, "contrast": "clahe"})
    settings = open_run(run.path).read_config()
    asked, train = (TrainConfig(**settings[key]) for key in ("asked", "train"))
    assert (asked.contrast, asked.stain_normalization, asked.balance) == ("none", "reinhard", "mean")
    assert (train.contrast, train.stain_normalization, train.balance) == ("clahe", "none", "mean")

    study = Study(tmp_path / "study")
    study.write_config("crossval", asked=EARLIER)
    _, config, _ = resolve_study(CrossvalConfig(out=study.path, resume=True), "crossval")
    assert (config.contrast, config.stain_normalization, config.balance) == ("none", "reinhard", "mean")


@pytest.mark.parametrize("text", ["[]", "3", "{", '"run"'])
def test_rubbish_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunError, match="is not a run's settings"):
        open_run(tmp_path)
    (tmp_path / "study.json").write_text(text)
    with pytest.raises(RunError, match="cannot be read"):
        open_study(tmp_path, "tune")


def test_a_folder_of_another_version_or_kind_is_named(tmp_path):
    write_json(tmp_path / "config.json", {"format": FORMAT - 1})
    with pytest.raises(
        RunError, match=f"its format is {FORMAT - 1}, .* {leukemia_tf.__version__} reads format {FORMAT}"
    ):
        open_run(tmp_path)
    Study(tmp_path).write_config("tune")
    with pytest.raises(RunError, match="is a folder of `tune`, format 1; this reads `crossval`"):
        open_study(tmp_path, "crossval")


def test_a_run_without_a_network_is_not_the_newest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = RunFolder(tmp_path / "runs" / "one")
    run.write_config()
    with pytest.raises(RunError, match=r"no trained run in .* name one by `run`"):
        newest_run()
    with pytest.raises(RunError, match=f"no trained model yet.*--out {run} --resume"):
        run_or_newest(run.path)
    run.model.touch()
    assert run_or_newest(None).path.resolve() == run.path


def test_a_clock_that_was_put_back_takes_no_folder_that_is_there(tmp_path, monkeypatch):
    class Clock:
        @staticmethod
        def now():
            return datetime(2026, 10, 25, 2, 30)  # an hour that came twice

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(open_runs, "datetime", Clock)
    taken = []
    for _ in range(3):
        taken.append(new_run_path("scratch"))
        taken[-1].mkdir(parents=True)
    assert [path.name for path in taken] == [f"2026-10-25T02-30-scratch{end}" for end in ("", "-2", "-3")]


def test_only_a_folder_with_the_first_files_of_a_run_counts_as_stopped_before_its_settings(tmp_path):
    run = RunFolder(tmp_path)
    assert not RunFolder(tmp_path / "nowhere").stopped_before_config()
    run.splits.touch()
    assert not run.stopped_before_config()
    run.environment.touch()
    (tmp_path / f"{SCRATCH}cells.csv").touch()
    assert run.stopped_before_config()
    (tmp_path / "notes.txt").touch()
    assert not run.stopped_before_config()
    with pytest.raises(RunError, match="another folder by `out`, or go on with that run by `resume=True`"):
        check_vacant(tmp_path)


def test_the_environment_is_json():
    record = json.loads(json.dumps(software_environment()))
    assert record["leukemia_tf"] == leukemia_tf.__version__
    assert record["packages"]["keras"]


def test_former_networks_are_kept_side_by_side(tmp_path):
    run = RunFolder(tmp_path / "run")
    for content in ("one", "two", "three"):
        for path in (run.model, run.metrics):
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        run.keep_former()
    kept = [(folder / run.model.name).read_text() for folder in run.former()]
    assert sorted(kept) == ["one", "three", "two"]
    assert [(folder / run.metrics.name).read_text() for folder in run.former()] == kept
    assert {path.name.split("-")[0] for path in run.path.iterdir()} == {"before", "model.keras", "metrics.json"}
