"""Other runtimes answer as TensorFlow does, from `predict` and from an exported file without this package."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import ExportConfig, PredictConfig
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.preprocess import cells_from_bytes
from leukemia_tf.data.settings import Preprocessing
from leukemia_tf.errors import UserError
from leukemia_tf.export import export
from leukemia_tf.models.network import build_network, load_network, predict_logits
from leukemia_tf.models.table import find_architecture
from leukemia_tf.predict import predict
from leukemia_tf.serving import runtimes
from leukemia_tf.serving.runtimes import FILES, logits_on

ALONE = """
import sys
import numpy as np
path, cells = sys.argv[1], np.load(sys.argv[2])
if path.endswith(".onnx"):
    import onnxruntime
    names = ["logit", "probability"]
    told = dict(zip(names, onnxruntime.InferenceSession(path).run(names, {"cell": cells})))
elif path.endswith(".xml"):
    import openvino
    told = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({"cell": cells})
else:
    from ai_edge_litert.interpreter import Interpreter
    told = Interpreter(path).get_signature_runner()(cell=cells)
assert not {"tensorflow", "keras", "leukemia_tf"} & {name.split(".")[0] for name in sys.modules}
np.savez(sys.argv[3], logit=told["logit"], probability=told["probability"])
"""


@pytest.fixture(scope="module")
def images(tiny_cells, tmp_path_factory):
    bad = tmp_path_factory.mktemp("images") / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    cells = find_images([tiny_cells])
    return [*cells[:5], bad, *cells[5:]]


@pytest.mark.parametrize("runtime", FILES)
def test_predict_answers_as_on_tensorflow(runtime, images, tiny_run):
    asked = {"images": images, "run": tiny_run.path, "batch_size": 7}  # batches of different lengths
    wanted, told = predict(PredictConfig(**asked)), predict(PredictConfig(**asked, runtime=runtime))
    assert [(row.path, row.status, row.prediction, row.reason) for row in told] == [
        (row.path, row.status, row.prediction, row.reason) for row in wanted
    ]
    readable = [row.probability is not None for row in wanted]
    assert readable.count(False) == 1
    numbers = np.array([[row.probability, row.logit] for row in np.array([told, wanted])[:, readable].ravel()])
    numbers = numbers.reshape(2, -1, 2)
    assert numbers[1, :, 0].std() > 1e-3
    np.testing.assert_allclose(numbers[0], numbers[1], atol=1e-4)


@pytest.mark.parametrize("runtime", FILES)
def test_an_exported_file_needs_nothing_else(runtime, images, tiny_run, tmp_path):
    version = export(ExportConfig(run=tiny_run.path, out=tmp_path, format=runtime))
    assert version == tmp_path / f"scratch-{runtime}" / "1"
    assert (version / "MODEL_CARD.md").read_text() == tiny_run.card.read_text()
    told = json.loads((version / "interface.json").read_text())
    (asked,) = told["inputs"]
    contents = [path.read_bytes() for path in images]
    cells = cells_from_bytes(tf.constant(contents), Preprocessing(**asked["preprocessing"]))[0].numpy()
    assert ["n", *cells.shape[1:]] == asked["shape"]
    np.save(tmp_path / "cells.npy", cells)
    command = [sys.executable, "-c", ALONE, version / FILES[runtime], tmp_path / "cells.npy", tmp_path / "told.npz"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=version, check=False)
    assert done.returncode == 0, done.stderr
    answers = np.load(tmp_path / "told.npz")
    model = load_network(tiny_run.model)
    np.testing.assert_allclose(answers["logit"][:, 0], predict_logits(model, cells), atol=1e-4)
    np.testing.assert_allclose(answers["probability"], model.predict(cells, verbose=0), atol=1e-5)
    np.testing.assert_allclose(answers["probability"], 1 / (1 + np.exp(-answers["logit"] / told["temperature"])), 1e-5)


@pytest.mark.parametrize("runtime", FILES)
def test_a_network_of_mixed_precision_is_computed_at_float32(runtime):
    cells = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    before = keras.config.dtype_policy()
    exact = build_network(find_architecture("resnet18"), 1, {"image_size": 64})
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build_network(find_architecture("resnet18"), 1, {"image_size": 64})
    finally:
        keras.config.set_dtype_policy(before)
    mixed.set_weights(exact.get_weights())
    told = logits_on(runtime, mixed)([tf.constant(cells)]).numpy()[:, 0]
    np.testing.assert_allclose(told, predict_logits(exact, cells), atol=1e-4)


def test_what_there_is_not(images, tiny_run, tmp_path, run_module, monkeypatch):
    for command, flag, asked in ((".predict", "--runtime", "onxx"), (".export", "--format", "tflite")):
        words = [*([str(images[0]), "--run"] if command == ".predict" else []), tiny_run.path]
        done = run_module(command, *words, flag, asked, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {flag} {asked}: ")
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(runtimes.PACKAGES, "onnx", ("no_such_package",))
    with pytest.raises(UserError, match=r"no_such_package .* 'leukemia_tf\[onnx\]'"):
        export(ExportConfig(run=tiny_run.path, out=tmp_path, format="onnx"))
    assert not list(tmp_path.iterdir())
