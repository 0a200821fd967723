"""An ensemble's run: a run like any other, of members with different sizes, compared with each of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import EnsembleConfig, EvaluateConfig, ExportConfig, GradcamConfig, PredictConfig, TrainConfig
from leukemia_tf.core.errors import RunError, UserError
from leukemia_tf.core.files import read_csv, read_json
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.workflows.ensemble import ensemble
from leukemia_tf.workflows.evaluate import evaluate
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.gradcam import gradcam
from leukemia_tf.workflows.predict import predict
from leukemia_tf.workflows.train import train


@pytest.fixture(scope="module")
def other_run(tiny_cells, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "other"
    shown = {"framing": "tight", "stain_normalization": "none", "image_size": 72}
    return train(TrainConfig(base="scratch", data=tiny_cells, out=out, **shown, epochs=1, batch_size=8, seed=0))


@pytest.fixture(scope="module")
def both(tiny_run, other_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "both"
    return ensemble(EnsembleConfig((tiny_run.path, other_run.path), out=out))


def test_its_probability_is_the_mean_of_its_members(both, tiny_run, other_run):
    rows, *others = (
        {row.path: row for row in read_predictions(run.predictions("test"))} for run in (both, tiny_run, other_run)
    )
    assert len(rows) > 5
    for path, row in rows.items():
        mean = np.mean([member[path].probability for member in others])
        assert row.logit == pytest.approx(np.log(mean / (1 - mean)), abs=1e-4)


def test_it_is_compared_with_its_members(both, tiny_run, other_run):
    comparison = read_json(both.path / "compare" / "compare.json")
    assert list(comparison["runs"]) == ["both", "tiny", "other"]
    parameters = [comparison["runs"][name]["parameters"] for name in comparison["runs"]]
    assert parameters[0] == sum(parameters[1:])
    assert comparison["runs"]["both"]["seconds"] == pytest.approx(
        sum(float(row["seconds"]) for run in (tiny_run, other_run) for row in read_csv(run.history))
    )
    assert "ensemble-of-2" in both.report.read_text()
    assert "leukemia_tf.ensemble" in both.card.read_text()


@pytest.mark.slow
def test_it_predicts_exports_and_explains_as_any_run(both, tiny_cells, tmp_path):
    row = read_predictions(both.predictions("test"))[0]
    image = tiny_cells / row.path
    (prediction,) = predict(PredictConfig(images=image, run=both.path))
    assert prediction.probability == pytest.approx(row.probability, abs=1e-5)
    for runtime in ("onnx", "openvino", "litert"):
        (external,) = predict(PredictConfig(images=image, run=both.path, runtime=runtime))
        assert external.probability == pytest.approx(prediction.probability, abs=1e-5)
    folder = export(ExportConfig(run=both.path, out=tmp_path / "saved"))
    served = tf.saved_model.load(str(folder)).signatures
    outputs = served["serving_default"](image_bytes=tf.constant([image.read_bytes()]))
    assert float(outputs["probability"][0]) == pytest.approx(row.probability, abs=1e-5)
    (picture,) = gradcam(GradcamConfig(images=image, run=both.path, out=tmp_path / "gradcam.png", save_arrays=True))
    assert picture.is_file()
    (path,) = tmp_path.glob("*.npz")
    arrays = np.load(path)
    assert arrays["members"].shape == (2, 120, 120)
    mean = arrays["members"].mean(0)
    np.testing.assert_allclose(arrays["heat"], mean / mean.max(), atol=1e-6)
    heat = tf.io.decode_png(served["explain"](image_bytes=tf.constant([image.read_bytes()]))["heatmap"][0])[..., 0]
    np.testing.assert_allclose(heat, 255 * arrays["heat"], atol=0.51)
    before = both.predictions("test").read_bytes()
    evaluate(EvaluateConfig(run=both.path))
    assert both.predictions("test").read_bytes() == before


@pytest.mark.slow
def test_optimised_weights_depend_on_the_validation_cells_only(tiny_run, other_run, tmp_path):
    run = ensemble(EnsembleConfig((tiny_run.path, other_run.path), method="genetic", out=tmp_path / "genetic"))
    weights = [member["weight"] for member in run.read_config()["members"]]
    assert sum(weights) == pytest.approx(1)
    first = read_predictions(tiny_run.predictions("test"))
    shuffled = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "shuffled")))
    path = shuffled.predictions("test")
    path.write_text(path.read_text().replace(str(first[0].probability), "0.123"))
    shuffled.write_metrics(shuffled.read_metrics())
    again = ensemble(EnsembleConfig((shuffled.path, other_run.path), method="genetic", out=tmp_path / "again"))
    assert [member["weight"] for member in again.read_config()["members"]] == weights


def test_what_cannot_be_is_refused(both, tiny_run, other_run, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(UserError, match="two or more"):
        ensemble(EnsembleConfig((tiny_run.path,), out=out))
    with pytest.raises(UserError, match="`method`: choose one of average"):
        ensemble(EnsembleConfig((tiny_run.path, other_run.path), method="mean", out=out))
    fewer = RunFolder(Path(shutil.copytree(other_run, tmp_path / "fewer")))
    path = fewer.predictions("test")
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    fewer.write_metrics(fewer.read_metrics())
    with pytest.raises(RunError, match="not evaluated on the same cells"):
        ensemble(EnsembleConfig((tiny_run.path, fewer.path), out=out))
    with pytest.raises(RunError, match="is an ensemble itself"):
        ensemble(EnsembleConfig((tiny_run.path, both.path), out=out))
    with pytest.raises(RunError, match="refit its members"):
        train(TrainConfig(refit=both.path, out=out))
    assert not out.exists()


@pytest.mark.slow
def test_an_interrupted_ensemble_is_built_again(both, tiny_run, other_run, tmp_path):
    shutil.copytree(both, tmp_path / "both")
    stopped = RunFolder(tmp_path / "both")
    stopped.metrics.unlink()
    settings = stopped.read_config()
    settings["asked"]["out"] = str(stopped)
    stopped.config.write_text(json.dumps(settings))
    config = EnsembleConfig((tiny_run.path, other_run.path), out=stopped.path)
    again = ensemble(config)
    assert again.predictions("test").read_bytes() == both.predictions("test").read_bytes()
    with pytest.raises(RunError, match="is there already"):
        ensemble(config)


@pytest.mark.slow
def test_its_reports(both, check_report):
    text = check_report(both.report).inner_text("#table-members")
    for member in both.read_config()["members"]:
        assert member["name"] in text
        scores = json.loads((Path(member["run"]) / "metrics.json").read_text())["parts"]["test"]["cell"]
        assert format_score(scores["auroc_by_patient"]) in text
    page = check_report(both.path / "compare" / "report.html")
    assert len(page.query_selector_all("#table-scores tbody tr")) == 3
    assert len(page.query_selector_all("#table-differences tbody tr")) == 2
