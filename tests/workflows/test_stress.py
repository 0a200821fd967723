"""`stress` on tiny runs: its files, its part of the report, ensembles and studies, and what it cannot use."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from leukemia_tf.config import CrossvalConfig, EnsembleConfig, StressConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError, DataError, RunError
from leukemia_tf.core.files import read_csv, read_json, write_json
from leukemia_tf.data.alterations import ALTERATIONS
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.predictions import arrays, by_patient_group, read_predictions, write_predictions
from leukemia_tf.reporting.blocks import Text
from leukemia_tf.reporting.stress_section import stored_stress
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.crossval import crossval
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.stress import stress
from leukemia_tf.workflows.train import train

EVERY = 1000  # more cells than there are


@pytest.fixture(scope="module")
def run(tiny_run, tmp_path_factory):
    return RunFolder(Path(shutil.copytree(tiny_run, tmp_path_factory.mktemp("stressed") / "run")))


@pytest.fixture(scope="module")
def result(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "here"
    return stress(StressConfig(run.path, out=out, cells=EVERY)), out


def test_its_files(run, result):
    content, out = result
    for folder in (run.path, out):
        written = json.loads((folder / "stress.json").read_text())
        assert {"base", "rows", "verdict"} <= set(written)
        assert [row["name"] for row in written["rows"]] == [alteration.name for alteration in ALTERATIONS]
        for row in written["rows"]:
            assert row["kind"] in ("keeps", "removes")
            assert set(row["difference"]) == {"value", "low", "high"}
            expected = row["auroc_by_patient"] - written["base"]["auroc_by_patient"]
            assert row["difference"]["value"] == pytest.approx(expected)
        assert (folder / "figures" / "stress.png").read_bytes().startswith(b"\x89PNG")
    assert content["cells"] == content["tested_cells"] == len(read_predictions(run.predictions("test")))


def test_unaltered_it_is_as_evaluated(run, result):
    scores = read_json(run.metrics)["parts"]["test"]["cell"]
    for metric in ("auroc", "auroc_by_patient", "sensitivity", "specificity"):
        assert result[0]["base"][metric] == pytest.approx(scores[metric]["value"])
    (network,) = result[0]["networks"]
    assert network["threshold"] == read_json(run.metrics)["decision"]["threshold"]


def test_its_part_of_the_report(run, result, tiny_run):
    report = run.report.read_text()
    assert 'id="stress"' in report
    for sentence in result[0]["verdict"]:
        assert sentence in report
    assert 'id="stress"' not in tiny_run.report.read_text()
    before, after = (page.count("<h2") for page in (tiny_run.report.read_text(), report))
    assert after == before + 1
    threshold = read_json(run.metrics)["decision"]["threshold"]
    assert texts_of(stored_stress(run, threshold)[0])[1:] == result[0]["verdict"]
    assert "Measured at a former threshold" in texts_of(stored_stress(run, threshold / 2)[0])[-1]
    assert stored_stress(tiny_run) == []


def texts_of(section):
    return [block.text for block in section.blocks if isinstance(block, Text)]


@pytest.mark.slow
def test_some_cells_of_every_patient(tiny_run, tmp_path, caplog):
    copy = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    caplog.set_level("INFO")
    content = stress(StressConfig(copy.path, cells=2, json=True))
    rows = by_patient_group(read_predictions(copy.predictions("test")))
    assert content["cells"] == sum(content["patients"].values()) == len({row.patient for row in rows})
    assert json.loads(caplog.messages[-1])["rows"] == json.loads(copy.stress.read_text())["rows"]


def test_cells_that_have_moved(tiny_run, tmp_path):
    copy = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    moved = Path(shutil.copytree(tiny_run.data, tmp_path / "moved"))
    settings = copy.read_config()
    settings["data"]["folder"] = str(tmp_path / "gone")
    copy.config.write_text(json.dumps(settings))
    with pytest.raises(DataError, match=r"cannot be read .* have moved, name their folder as `data`"):
        stress(StressConfig(copy.path))
    one, other = [row for row in read_csv(copy.cells) if row["split"] == "test"][:2]
    shutil.copy(tiny_run.data / other["path"], moved / one["path"])
    with pytest.raises(DataError, match="is not the picture that the run was tested on"):
        stress(StressConfig(copy.path, data=moved, cells=EVERY))
    assert not copy.stress.exists()
    shutil.copy(tiny_run.data / one["path"], moved / one["path"])
    assert stress(StressConfig(copy.path, data=moved, cells=2))["rows"]


def test_what_cannot_be_stressed(tiny_run, tmp_path):
    copy = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    for setting, value in (("cells", 1), ("tta", "twice")):
        with pytest.raises(ArgumentError, match=f"`{setting}`"):
            stress(StressConfig(copy.path, **{setting: value}))
    rows = read_predictions(copy.predictions("test"))
    write_predictions(copy.predictions("test"), [row for row in rows if row.label == "hem"])
    copy.write_metrics(copy.read_metrics())
    with pytest.raises(RunError, match=r"tested on HEM \(normal\) cells alone"):
        stress(StressConfig(copy.path))
    write_predictions(copy.predictions("test"), [])
    copy.write_metrics(copy.read_metrics())
    with pytest.raises(RunError, match="was tested on no cells"):
        stress(StressConfig(copy.path))
    copy.metrics.unlink()
    with pytest.raises(RunError, match="has no predictions on test patients"):
        stress(StressConfig(copy.path))
    copy.model.unlink()
    with pytest.raises(RunError, match="has no trained model yet"):
        stress(StressConfig(copy.path))
    with pytest.raises(RunError, match="not a run folder"):
        stress(StressConfig(tmp_path))


@pytest.mark.slow
def test_a_sentence_and_exit_code_2(tiny_run, tmp_path, run_module):
    done = run_module(".stress", tiny_run.path, "--data", tmp_path, cwd=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert done.stderr.count("\n") == 1
    assert "name their folder as --data" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_refit_has_no_test_cells(tiny_run, tmp_path):
    refit = train(TrainConfig(refit=tiny_run.path, out=tmp_path / "refit"))
    with pytest.raises(RunError, match=f"trained on all its patients.*name {tiny_run}"):
        stress(StressConfig(refit.path))


@pytest.mark.slow
def test_an_ensemble(tiny_run, tiny_cells, tmp_path):
    shown = {"framing": "tight", "stain_normalization": "none", "image_size": 72}
    other = train(TrainConfig(base="scratch", data=tiny_cells, out=tmp_path / "other", **shown, epochs=1, batch_size=8))
    both = ensemble(EnsembleConfig((tiny_run.path, other.path), out=tmp_path / "both"))
    content = stress(StressConfig(both.path, cells=EVERY))
    scores = read_json(both.metrics)["parts"]["test"]["cell"]
    assert content["base"]["auroc"] == pytest.approx(scores["auroc"]["value"])
    assert 'id="stress"' in both.report.read_text()


@pytest.mark.slow
def test_the_folds_of_a_cross_validation_are_pooled(tiny_cells, tmp_path):
    tiny = {"base": "scratch", "framing": "cell", "stain_normalization": "none", "image_size": 60, "batch_size": 8}
    config = CrossvalConfig(**tiny, epochs=1, data=tiny_cells, out=tmp_path / "folds", folds=2, validation=0)
    study = crossval(config)
    content = stress(StressConfig(study.path, cells=EVERY))
    rows = by_patient_group(read_predictions(study.predictions("seed-0")), study.read_config()["data"]["same_patients"])
    assert content["cells"] == len(rows)
    assert [network["run"] for network in content["networks"]] == ["seed-0-fold-0", "seed-0-fold-1"]
    assert content["base"]["auroc_by_patient"] == pytest.approx(
        float(all_metrics(*arrays(rows))["auroc_by_patient"][0])
    )
    specificity = np.mean([row.prediction == "hem" for row in rows if row.label == "hem"])
    assert content["base"]["specificity"] == pytest.approx(specificity)
    assert study.stress.is_file()
    assert study.figure("stress").is_file()
    study.metrics.unlink()
    with pytest.raises(RunError, match="is not finished"):
        stress(StressConfig(study.path))
    write_json(study.config, {**study.read_config(), "kind": "tune"})
    with pytest.raises(RunError, match="a folder of `tune`"):
        stress(StressConfig(study.path))


@pytest.mark.slow
@pytest.mark.parametrize("which", ["run", "out"])
def test_its_report_in_a_browser(run, result, check_report, which):
    page = check_report(run.report if which == "run" else result[1] / "report.html")
    assert page.query_selector("#figure-stress img")
    assert len(page.query_selector_all("#table-stress tbody tr")) == 1 + len(ALTERATIONS)
