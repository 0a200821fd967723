"""The SavedModel, loaded with nothing but TensorFlow, agrees with `predict`."""

import io
import json
import logging
import shutil
import subprocess
import sys
from collections import Counter

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from leukemia_tf.config import ExportConfig, GradcamConfig, PredictConfig, TrainConfig
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.core.files import write_json
from leukemia_tf.inference.predictor import heat_map
from leukemia_tf.models.network import load_network, preprocessing_of
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.serving.layout import NOTES
from leukemia_tf.serving.warm_up import FILE
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.gradcam import gradcam
from leukemia_tf.workflows.predict import predict
from leukemia_tf.workflows.train import train

ALONE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
contents = [open(path, "rb").read() for path in sys.argv[2:]]
answers = model.signatures["serving_default"](image_bytes=tf.constant(contents))
assert not any(name.split(".")[0] == "leukemia_tf" for name in sys.modules)
print(json.dumps({name: [v.decode() if isinstance(v, bytes) else v for v in values.numpy().tolist()]
                  for name, values in answers.items()}))
"""


@pytest.fixture(scope="module")
def served(exported):
    """The signatures, loaded once."""
    return tf.saved_model.load(exported).signatures


def predict_alone(exported, paths):
    """Predict in a process that imports only TensorFlow, away from this source tree."""
    command = [sys.executable, "-c", ALONE, str(exported), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=exported, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def compare(exported, tiny_run, paths):
    answers = predict_alone(exported, paths)
    wanted = predict(PredictConfig(images=tuple(paths), run=tiny_run.path))
    probabilities = np.array([row.probability for row in wanted if row.status != "unreadable"])
    assert probabilities.std() > 1e-3  # a network that answers the same to every cell proves nothing
    for index, row in enumerate(wanted):
        assert answers["status"][index] == row.status
        assert answers["prediction"][index] == row.prediction
        if row.status != "unreadable":
            assert answers["probability"][index] == pytest.approx(row.probability, abs=1e-5)
            assert answers["logit"][index] == pytest.approx(row.logit, abs=1e-4)
        else:
            assert np.isnan(answers["probability"][index])
    return {row.status for row in wanted}


def test_layout(exported, tiny_run):
    assert exported.name == "1"
    assert exported.parent.name == "scratch"
    assert (exported / "saved_model.pb").is_file()
    cards = [path.read_text().splitlines() for path in (exported / "MODEL_CARD.md", tiny_run.card)]
    undated = [[line for line in card if " UTC" not in line] for card in cards]  # a run may be evaluated again
    assert undated[0] == undated[1]
    assert len(undated[0]) > 50
    assert json.loads((exported / "config.json").read_text()) == tiny_run.read_config()
    assert [path.name for path in exported.parent.iterdir()] == ["1"]  # nothing half-written


@pytest.mark.slow
def test_registers_channels_by_itself(tiny_cells, tmp_path):
    """Train, predict and the SavedModel move the channels alike; the network says so itself."""
    shown = {"framing": "cell", "stain_normalization": "none", "image_size": 60, "register_channels": True}
    config = TrainConfig(
        base="scratch", data=tiny_cells, out=tmp_path / "run", **shown, epochs=2, batch_size=8, lr=3e-3
    )
    run = train(config)
    assert run.read_config()["train"]["register_channels"] is True
    assert "channels registered" in run.report.read_text()
    assert preprocessing_of(load_network(run.model))["register_channels"] is True
    exported = export(ExportConfig(run=run.path, out=tmp_path / "saved"))
    displaced = []
    for path in sorted(tiny_cells.rglob("*.bmp"))[:6]:
        pixels = cv2.imread(str(path))
        pixels[..., 0] = np.roll(pixels[..., 0], 1, axis=1)
        displaced.append(tmp_path / f"{path.stem}.png")
        cv2.imwrite(str(displaced[-1]), pixels)
    compare(exported, run, displaced)


def test_agrees_with_predict(exported, tiny_run, tiny_cells, tmp_path):
    bad = tmp_path / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    cells = sorted(tiny_cells.rglob("*.bmp"))[:6]
    assert compare(exported, tiny_run, [*cells[:3], bad, *cells[3:]]) == {"ok", "unreadable"}


def test_agrees_with_predict_on_real_files(exported, tiny_run, real_cells):
    paths = sorted(real_cells.rglob("*.bmp"))[::3] + sorted(real_cells.rglob("*.png"))[::200]
    assert compare(exported, tiny_run, paths) == {"unlike-training"}  # it was trained on small phantom cells


def test_explains_as_gradcam(served, tiny_run, tiny_cells, tmp_path):
    """The same heat in the original's pixels, for files of different sizes, one of them no image."""
    narrow = tmp_path / "narrow.png"
    image = cv2.imread(str(min(tiny_cells.rglob("*_all.bmp"))))
    cv2.imwrite(str(narrow), image[:, 10:100])
    bad = tmp_path / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    files = [min(tiny_cells.rglob("*_hem.bmp")), bad, narrow]
    answer = served["explain"](image_bytes=tf.constant([path.read_bytes() for path in files]))
    assert set(answer) == {"probability", "heatmap"}
    assert np.isnan(answer["probability"][1])
    assert answer["heatmap"][1] == b""
    gradcam(GradcamConfig(images=files, run=tiny_run.path, out=tmp_path / "maps", save_arrays=True))
    for index in (0, 2):
        result = np.load(tmp_path / "maps" / f"{files[index].stem}-tiny-gradcam.npz")
        picture = Image.open(io.BytesIO(answer["heatmap"][index].numpy()))
        assert picture.text == {"Method": "Grad-CAM", "Layers": "block4_conv"}
        heat = tf.io.decode_png(answer["heatmap"][index])[..., 0].numpy()
        assert heat.shape == cv2.imread(str(files[index])).shape[:2]
        assert heat.std() > 1
        np.testing.assert_allclose(heat, 255 * result["heat"], atol=0.51)
        assert float(answer["probability"][index]) == pytest.approx(float(result["probability"]), abs=1e-6)


def test_the_method_is_in_the_metadata(exported, tiny_run, tiny_cells, tmp_path, caplog):
    """Grad-CAM by default; another one by name; and a more faithful one is named where a check found it."""
    explained = json.loads((exported / NOTES).read_text())["explain"]
    assert explained == {"method": "gradcam", "title": "Grad-CAM", "layers": [["block4_conv"]]}
    cell, run = min(tiny_cells.rglob("*_hem.bmp")), RunFolder(shutil.copytree(tiny_run.path, tmp_path / "checked"))
    values = {"gradcam": 0.1, "layercam": 0.2, "hirescam": 0.3, "occlusion": 0.4}
    rows = {name: {key: {"value": value} for key in ("deletion", "insertion")} for name, value in values.items()}
    write_json(run.explain_check, {"explained": ["block4_conv"], "methods": rows})
    with caplog.at_level(logging.INFO):
        other = export(ExportConfig(run=run.path, out=tmp_path / "other", method="layercam"))
    assert "explain_check found HiResCAM more faithful to this network than LayerCAM" in caplog.text
    assert json.loads((other / NOTES).read_text())["explain"]["title"] == "LayerCAM"
    answer = tf.saved_model.load(other).signatures["explain"](image_bytes=tf.constant([cell.read_bytes()]))
    wanted = heat_map(tiny_run.model, cell, method="layercam")
    heat = tf.io.decode_png(answer["heatmap"][0])[..., 0].numpy()
    np.testing.assert_allclose(heat, 255 * wanted, atol=0.51)
    assert Image.open(io.BytesIO(answer["heatmap"][0].numpy())).text["Method"] == "LayerCAM"
    for name, words in (("occlusion", "class-activation maps alone"), ("gradcm", "did you mean gradcam")):
        with pytest.raises(ArgumentError, match=words):
            export(ExportConfig(run=tiny_run.path, out=tmp_path / "none", method=name))
    assert not (tmp_path / "none").exists()


def test_decoded_images_are_predicted_as_their_files(served, tiny_cells):
    paths = sorted(tiny_cells.rglob("*.bmp"))[::7]
    by_file = served["serving_default"](image_bytes=tf.constant([path.read_bytes() for path in paths]))
    by_pixel = served["tensor"](image=np.stack([cv2.imread(str(path))[..., ::-1] for path in paths]))
    assert set(by_file) == set(by_pixel)
    for name, values in by_file.items():
        if values.dtype == tf.string:
            assert values.numpy().tolist() == by_pixel[name].numpy().tolist()
        else:
            np.testing.assert_allclose(values, by_pixel[name], atol=1e-6)


def test_warm_up_calls_every_signature(exported, served):
    """The warm-up requests, read with TensorFlow Serving's protobufs and sent to the model."""
    requests = Counter()
    for record in tf.data.TFRecordDataset(str(exported / FILE)).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "scratch"
        signature = request.model_spec.signature_name
        answer = served[signature](**{key: tf.make_ndarray(value) for key, value in request.inputs.items()})
        assert np.isfinite(answer["probability"]).all()
        requests[signature] += 1
    assert requests == dict.fromkeys(served, 2)


def test_next_version_beside_the_first(exported, tiny_run, tmp_path):
    first = shutil.copytree(exported.parent, tmp_path / "scratch") / "1"
    again = export(ExportConfig(run=tiny_run.path, out=tmp_path))
    assert again == first.with_name("2")
    assert sorted(path.name for path in first.parent.iterdir()) == ["1", "2"]
