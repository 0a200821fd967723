"""Other runtimes compute what TensorFlow does, in `predict` and from an exported file without this package."""

import json
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from leukemia_tf.config import ExportConfig, PredictConfig
from leukemia_tf.core.errors import ArgumentError
from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.preprocessing import stored_preprocessing
from leukemia_tf.data.preprocessing_graph import cells_from_bytes
from leukemia_tf.models.network import build_network, load_network, predict_logits
from leukemia_tf.models.table import find_architecture
from leukemia_tf.serving.runtime_networks import logits_on
from leukemia_tf.serving.runtimes import RUNTIMES
from leukemia_tf.workflows.export import export
from leukemia_tf.workflows.predict import predict

ALONE = """
import sys
import numpy as np
path, cells = sys.argv[1], np.load(sys.argv[2])
if path.endswith(".onnx"):
    import onnxruntime
    names = ["logit", "probability"]
    outputs = dict(zip(names, onnxruntime.InferenceSession(path).run(names, {"cell": cells})))
elif path.endswith(".xml"):
    import openvino
    outputs = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({"cell": cells})
else:
    from ai_edge_litert.interpreter import Interpreter
    outputs = Interpreter(path).get_signature_runner()(cell=cells)
assert not {"tensorflow", "keras", "leukemia_tf"} & {name.split(".")[0] for name in sys.modules}
np.savez(sys.argv[3], logit=outputs["logit"], probability=outputs["probability"])
"""


@pytest.fixture(scope="module")
def images(tiny_cells, tmp_path_factory):
    bad = tmp_path_factory.mktemp("images") / "bad.bmp"
    bad.write_bytes(b"BM rubbish")
    cells = find_images([tiny_cells])
    return [*cells[:5], bad, *cells[5:]]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_predict_agrees_with_tensorflow(runtime, images, tiny_run):
    config = PredictConfig(images, run=tiny_run.path, batch_size=7)  # batches of different lengths
    wanted, rows = predict(config), predict(replace(config, runtime=runtime))
    assert [(row.path, row.status, row.prediction, row.reason) for row in rows] == [
        (row.path, row.status, row.prediction, row.reason) for row in wanted
    ]
    readable = [row.probability is not None for row in wanted]
    assert readable.count(False) == 1
    numbers = np.array([[row.probability, row.logit] for row in np.array([rows, wanted])[:, readable].ravel()])
    numbers = numbers.reshape(2, -1, 2)
    assert numbers[1, :, 0].std() > 1e-3
    np.testing.assert_allclose(numbers[0], numbers[1], atol=1e-4)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_exported_file_needs_nothing_else(runtime, images, tiny_run, tmp_path):
    version = export(ExportConfig(run=tiny_run.path, out=tmp_path, format=runtime))
    assert version == tmp_path / f"scratch-{runtime}" / "1"
    assert (version / "MODEL_CARD.md").read_text() == tiny_run.card.read_text()
    interface = json.loads((version / "interface.json").read_text())
    (cell_input,) = interface["inputs"]
    contents = [path.read_bytes() for path in images]
    cells = cells_from_bytes(tf.constant(contents), stored_preprocessing(cell_input["preprocessing"]))[0].numpy()
    assert ["n", *cells.shape[1:]] == cell_input["shape"]
    np.save(tmp_path / "cells.npy", cells)
    paths = (version / RUNTIMES[runtime].file, tmp_path / "cells.npy", tmp_path / "outputs.npz")
    command = [sys.executable, "-c", ALONE, *paths]
    done = subprocess.run(command, capture_output=True, text=True, cwd=version, check=False)
    assert done.returncode == 0, done.stderr
    outputs = np.load(tmp_path / "outputs.npz")
    model = load_network(tiny_run.model)
    np.testing.assert_allclose(outputs["logit"][:, 0], predict_logits(model, cells), atol=1e-4)
    np.testing.assert_allclose(outputs["probability"], model.predict(cells, verbose=0), atol=1e-5)
    np.testing.assert_allclose(
        outputs["probability"], 1 / (1 + np.exp(-outputs["logit"] / interface["temperature"])), 1e-5
    )


@pytest.mark.parametrize(
    "runtime", [pytest.param(name, marks=() if name == "onnx" else pytest.mark.slow) for name in RUNTIMES]
)
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
    logits = logits_on(runtime, mixed)([tf.constant(cells)]).numpy()[:, 0]
    np.testing.assert_allclose(logits, predict_logits(exact, cells), atol=1e-4)


@pytest.mark.slow
def test_unknown_and_missing_runtimes(images, tiny_run, tmp_path, run_module, monkeypatch):
    for command, flag, name in ((".predict", "--runtime", "onxx"), (".export", "--format", "tflite")):
        arguments = [*([str(images[0]), "--run"] if command == ".predict" else []), tiny_run.path]
        done = run_module(command, *arguments, flag, name, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {flag}: ")
        assert done.stderr.endswith(f"Received: {flag} {name}\n")
    assert not list(tmp_path.iterdir())
    monkeypatch.setitem(RUNTIMES, "onnx", replace(RUNTIMES["onnx"], packages=("no_such_package",)))
    with pytest.raises(ArgumentError, match=r"no_such_package .* 'leukemia_tf\[onnx\]'"):
        export(ExportConfig(run=tiny_run.path, out=tmp_path, format="onnx"))
    assert not list(tmp_path.iterdir())
