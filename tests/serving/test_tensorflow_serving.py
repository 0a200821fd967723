"""TensorFlow Serving's server where it is installed; everywhere its requests, over gRPC."""

import base64
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import grpc
import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    PredictionServiceStub,
    add_PredictionServiceServicer_to_server,
)

from leukemia_tf.config import PredictConfig
from leukemia_tf.serving.versions import load_version
from leukemia_tf.serving.warm_up import predict_request
from leukemia_tf.workflows.predict import predict

SERVER = "tensorflow_model_server"


@pytest.fixture(scope="module")
def images(tiny_cells):
    return sorted(tiny_cells.rglob("*.bmp"))[::9]


@pytest.fixture(scope="module")
def wanted(images, tiny_run):
    return [row.probability for row in predict(PredictConfig(images, run=tiny_run.path))]


def over_grpc(port, signature, inputs):
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = PredictionServiceStub(channel).Predict(predict_request("scratch", signature, inputs), timeout=60)
    return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}


def check_grpc(port, images, wanted):
    contents = [path.read_bytes() for path in images]
    result = over_grpc(port, "serving_default", {"image_bytes": [b"no image", *contents]})
    assert result["status"].tolist()[0] == b"unreadable"
    np.testing.assert_allclose(result["probability"][1:], wanted, atol=1e-5)
    pixels = np.stack([cv2.imread(str(path))[..., ::-1] for path in images])
    np.testing.assert_allclose(over_grpc(port, "tensor", {"image": pixels})["probability"], wanted, atol=1e-5)
    heat = over_grpc(port, "explain", {"image_bytes": contents})["heatmap"]
    assert tf.io.decode_png(heat[0]).shape == (120, 120, 1)


@pytest.mark.skipif(not shutil.which(SERVER), reason=f"{SERVER} is not on the PATH")
def test_its_server_agrees_with_predict(model_folder, images, wanted):
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        port, rest = (taken.getsockname()[1] for taken in (one, other))
    flags = [f"--port={port}", f"--rest_api_port={rest}", "--model_name=scratch", f"--model_base_path={model_folder}"]
    process = subprocess.Popen([SERVER, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{rest}", timeout=60) as client:
            until = time.monotonic() + 60
            while time.monotonic() < until:
                try:
                    if client.get("/v1/models/scratch").json()["model_version_status"][0]["state"] == "AVAILABLE":
                        break
                except (httpx.TransportError, KeyError):
                    time.sleep(0.2)
            rows = [{"image_bytes": {"b64": base64.b64encode(path.read_bytes()).decode()}} for path in images]
            result = client.post("/v1/models/scratch:predict", json={"instances": rows}).json()["predictions"]
        assert [row["probability"] for row in result] == pytest.approx(wanted, abs=1e-5)
        check_grpc(port, images, wanted)
    finally:
        process.kill()
        process.wait()


class Stand(PredictionServiceServicer):
    """The exported model behind TensorFlow Serving's gRPC service."""

    def __init__(self, folder):
        self.version = load_version(folder, 1)

    def Predict(self, request, context):  # noqa: N802  the service's name for it
        (values,) = map(tf.make_ndarray, request.inputs.values())
        assert list(request.inputs) == [self.version.inputs[request.model_spec.signature_name]]
        response = PredictResponse()
        for name, value in self.version.predict(request.model_spec.signature_name, values).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return response


def test_its_requests_are_built_sent_and_parsed(model_folder, images, wanted):
    service = grpc.server(ThreadPoolExecutor(1))
    add_PredictionServiceServicer_to_server(Stand(model_folder), service)
    port = service.add_insecure_port("127.0.0.1:0")
    service.start()
    try:
        check_grpc(port, images, wanted)
    finally:
        service.stop(0).wait()
