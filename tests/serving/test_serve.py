"""The server, started as a user starts it, over loopback."""

import base64
import gzip
import json
import re
import shutil
import signal
import socket
import struct
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import cv2
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from leukemia_tf.config import PredictConfig, ServeConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.serving.batching import Batcher
from leukemia_tf.serving.rest import PredictRequest
from leukemia_tf.serving.watched_model import NotReadyError, UnknownVersionError, WatchedModel
from leukemia_tf.workflows.predict import predict
from leukemia_tf.workflows.serve import application, serve


@pytest.fixture(scope="module")
def images(tiny_cells):
    return sorted(tiny_cells.rglob("*.bmp"))[::5]


@pytest.fixture(scope="module")
def wanted(images, tiny_run):
    return predict(PredictConfig(images, run=tiny_run.path))


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


def rows_of(contents):
    return {"instances": [{"image_bytes": b64(content)} for content in contents]}


PREDICT = "/v1/models/scratch:predict"


def test_answers_like_predict(server, images, wanted):
    contents = [path.read_bytes() for path in images]
    contents.insert(1, b"no image")
    answer = server.post(PREDICT, json=rows_of(contents))
    assert answer.status_code == 200
    result = answer.json()["predictions"]
    assert result[1] == {"logit": None, "prediction": "", "probability": None, "status": "unreadable"}
    del result[1]
    for row, expected in zip(result, wanted, strict=True):
        assert row["probability"] == pytest.approx(expected.probability, abs=1e-6)
        assert (row["prediction"], row["status"]) == (expected.prediction, expected.status)
    columns = server.post(
        "/v1/models/scratch/versions/1:predict", json={"inputs": {"image_bytes": list(map(b64, contents))}}
    )
    assert columns.json()["outputs"]["status"][1] == "unreadable"
    assert [columns.json()["outputs"]["probability"][place] for place in (0, 2)] == pytest.approx(
        [row["probability"] for row in result[:2]], abs=1e-6
    )


def test_other_signatures(server, images, wanted):
    request = {"signature_name": "explain", **rows_of([images[0].read_bytes(), b""])}
    first, second = server.post(PREDICT, json=request).json()["predictions"]
    heat = cv2.imdecode(np.frombuffer(base64.b64decode(first["heatmap"]["b64"]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert heat.shape == (120, 120)
    assert second == {"heatmap": "", "probability": None}
    pixels = cv2.imread(str(images[0]))[..., ::-1].tolist()
    (row,) = server.post(PREDICT, json={"signature_name": "tensor", "instances": [{"image": pixels}]}).json()[
        "predictions"
    ]
    assert row["probability"] == pytest.approx(wanted[0].probability, abs=1e-6)


def test_state_and_metadata(server):
    assert server.get("/healthz").json() == {"model": "scratch", "version": 1}
    (state,) = server.get("/v1/models/scratch").json()["model_version_status"]
    assert (state["version"], state["state"]) == ("1", "AVAILABLE")
    metadata = server.get("/v1/models/scratch/metadata").json()["metadata"]
    assert metadata["explain"] == {"method": "gradcam", "title": "Grad-CAM", "layers": [["block4_conv"]]}
    result = metadata["signature_def"]["signature_def"]
    assert set(result) == {"__saved_model_init_op", "serving_default", "explain", "tensor"}
    assert result["serving_default"]["method_name"] == "tensorflow/serving/predict"
    assert result["serving_default"]["outputs"]["probability"]["dtype"] == "DT_FLOAT"
    assert server.get("/v1/models/scratch/versions/1/metadata").json()["metadata"] == metadata
    assert result["serving_default"]["inputs"]["image_bytes"]["dtype"] == "DT_STRING"
    assert result["tensor"]["inputs"]["image"]["tensor_shape"]["dim"][3]["size"] == "3"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"\xff\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "must be an object"),
        (b'{"instances": 3}', '"instances" must be a list'),
        (b'{"instances": []}', "1 to 128 images"),
        (b'{"instances": [1], "inputs": [1]}', "either"),
        (b'{"inputs": {"other": []}}', "image_bytes"),
        (b'{"signature_name": "no", "instances": [1]}', "there is no signature"),
        (b'{"signature_name": {}, "instances": [1]}', "there is no signature"),
        (b'{"instances": [{"image_bytes": {"b64": "%%"}}]}', "not base64"),
        (b'{"instances": [{"image_bytes": "text"}]}', "image 0: it must be written"),
        (b'{"signature_name": "tensor", "instances": [{"image": [[1, 2], [3]]}]}', "numbers from 0 to 255"),
        (b'{"signature_name": "tensor", "instances": [{"image": [[[1, 2, 300]]]}]}', "numbers from 0 to 255"),
        (json.dumps({"instances": [{"image_bytes": {"b64": ""}}] * 129}).encode(), "1 to 128 images"),
    ],
)
def test_bad_requests_get_400_and_a_sentence(server, body, words):
    answer = server.post(PREDICT, content=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_unknown_models_and_versions(server, images):
    for path in ("/v1/models/other:predict", "/v1/models/scratch/versions/7:predict"):
        assert server.post(path, json=rows_of([b""])).status_code == 404
    for path in ("/v1/models/other", "/v1/models/other/metadata", "/v1/models/scratch/labels/stable", "/etc/passwd"):
        answer = server.get(path)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
    for path in ("/v1/nowhere", "/v1/models/..%2f..%2fetc", "/v1/models/scratch:predict"):
        answer = server.get(path)
        assert (answer.status_code, answer.json()["error"].partition(":")[0]) == (400, "Malformed request")


def test_a_bomb_and_a_flood_are_refused(server):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (row,) = server.post(PREDICT, json=rows_of([bomb])).json()["predictions"]
    assert row["status"] == "unreadable"

    def endless():
        for _ in range(70):
            yield b" " * (1 << 20)

    answer = server.post(PREDICT, content=endless())
    assert answer.status_code == 413
    assert server.get("/healthz").status_code == 200


def test_concurrent_requests_get_the_right_predictions(server, images, wanted):
    def ask(place):
        result = server.post(PREDICT, json=rows_of([images[place].read_bytes()])).json()["predictions"]
        return place, result[0]["probability"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, [place % len(images) for place in range(48)]))
    for place, probability in answers:
        assert probability == pytest.approx(wanted[place].probability, abs=1e-6)
    result = server.get("/metrics").text
    assert 'leukemia_tf_requests_total{path="predict",status="200"}' in result
    together = float(re.search(r"leukemia_tf_batch_images_sum (\S+)", result)[1])
    assert together > float(re.search(r"leukemia_tf_batch_images_count (\S+)", result)[1])  # some came together
    assert "leukemia_tf_waiting_images 0.0" in result
    assert "leukemia_tf_model_version 1.0" in result


def test_base64_and_gzip_as_tensorflow_serving_reads_them(server, images, wanted):
    """White space and missing padding: absl's Base64Unescape, which TensorFlow Serving uses, passes over both."""
    pixels = cv2.imread(str(images[0]))
    files = (cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, level])[1].tobytes() for level in range(10))
    text = base64.b64encode(next(content for content in files if len(content) % 3)).decode()
    assert text.endswith("=")
    for written in (text, text.rstrip("="), "\n".join(text[i : i + 76] for i in range(0, len(text), 76))):
        body = json.dumps({"signature_name": "", "instances": [{"image_bytes": {"b64": written}}]}).encode()
        for content, headers in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
            (row,) = server.post(PREDICT, content=content, headers=headers).json()["predictions"]
            assert row["probability"] == pytest.approx(wanted[0].probability, abs=1e-6)


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        (b"no gzip", "gzip", "not gzip"),
        (gzip.compress(b"{}")[:-3], "gzip", "ends early"),
        (gzip.compress(b" " * (65 << 20)), "gzip", "at most 64 MiB"),
        (b"{}", "br", "takes gzip or none"),
    ],
    ids=["no gzip", "cut short", "too large", "another encoding"],
)
def test_bad_content_encodings(server, content, encoding, words):
    answer = server.post(PREDICT, content=content, headers={"Content-Encoding": encoding})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


def test_versions_follow_the_folder(model_folder, tmp_path):
    """A label keeps an old version; a copy that becomes whole is loaded; a deleted version is rolled back."""
    folder = shutil.copytree(model_folder, tmp_path / "scratch")
    model = WatchedModel(folder)
    with pytest.raises(NotReadyError):
        model.find()
    slow = shutil.copytree(folder / "1", folder / "2")
    shutil.move(slow / "variables", tmp_path / "variables")
    model.check()
    assert model.version.number == 1
    shutil.move(tmp_path / "variables", slow / "variables")
    model.check()
    assert [one.number for one in model.versions] == [2]
    (folder / "labels.json").write_text('{"stable": 1, "canary": 2}')
    model.check()
    assert (model.find(label="stable").number, model.find().number) == (1, 2)
    assert model.find(version="1").number == 1
    (folder / "labels.json").write_text('{"stable": "one"}')
    model.check()
    assert model.find(label="stable").number == 1
    shutil.rmtree(folder / "2")
    model.check()
    assert [one.number for one in model.versions] == [1]
    for missing in ({"version": "2"}, {"label": "canary"}, {"label": "none"}):
        with pytest.raises(UnknownVersionError, match="scratch has version 1"):
            model.find(**missing)
    shutil.rmtree(folder / "1")
    model.check()
    assert model.version.number == 1  # still in memory


def test_logs_and_origins(guarded_server):
    client, process = guarded_server
    token = {"Authorization": "Bearer secret"}
    answer = client.get("/v1/models/scratch", headers={**token, "Origin": "https://lab.example"})
    assert answer.headers["access-control-allow-origin"] == "https://lab.example"
    other = client.get("/v1/models/scratch", headers={**token, "Origin": "https://other.example"})
    assert "access-control-allow-origin" not in other.headers
    lines = [json.loads(line) for line in process.log.read_text().splitlines()]
    first, second = [line for line in lines if "path" in line][-2:]
    assert (first["method"], first["path"], first["status"]) == ("GET", "/v1/models/scratch", 200)
    assert 0 < second["milliseconds"] < 10_000


@pytest.mark.slow
def test_a_new_version_is_served_and_an_incomplete_one_is_not(model_folder, running, images, tmp_path):
    folder = shutil.copytree(model_folder, tmp_path / "scratch")
    content = rows_of([images[0].read_bytes()])
    with running(folder) as (client, process):
        (folder / "3").mkdir()
        (folder / "3" / "saved_model.pb").write_bytes(b"rubbish")
        (folder / "9").mkdir()  # no model in it yet
        shutil.copytree(folder / "1", folder / ".writing")
        (folder / ".writing").rename(folder / "2")
        until = time.monotonic() + 60
        while client.get("/healthz").json()["version"] == 1 and time.monotonic() < until:
            assert client.post(PREDICT, json=content).status_code == 200
        assert client.get("/healthz").json()["version"] == 2
        before = client.post(PREDICT, json=content).json()
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder / "3")
    with running(folder) as (client, _):
        assert client.post(PREDICT, json=content).json() == before


def test_token(guarded_server):
    client, _ = guarded_server
    assert client.get("/healthz").status_code == client.get("/").status_code == 200
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}):
        assert client.get("/v1/models/scratch", headers=headers).status_code == 401
        assert client.post(PREDICT, json=rows_of([b""]), headers=headers).status_code == 401
    assert client.get("/v1/models/scratch", headers={"Authorization": "Bearer secret"}).status_code == 200


def test_the_page_contacts_no_other_server(server):
    answer = server.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "not for diagnosis" in answer.text
    assert not re.search(r"https?://|MODEL_NAME", answer.text)


def test_what_cannot_be_served(model_folder, tmp_path):
    with pytest.raises(UserError, match="has no version of a model"):
        WatchedModel(tmp_path)
    broken = tmp_path / "broken" / "1"
    broken.mkdir(parents=True)
    (broken / "saved_model.pb").write_bytes(b"rubbish")
    with pytest.raises(UserError, match="cannot be loaded"):
        serve(ServeConfig(broken.parent, port=0))
    with pytest.raises(UserError, match=r"a model's name takes .*letters"):
        application(ServeConfig(tmp_path / "a b"), WatchedModel(model_folder))
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="port="):
        serve(ServeConfig(model_folder, port=taken.getsockname()[1]))


def test_damaged_files_affect_only_their_row(server, images, wanted):
    """Real files cut short or with bytes changed, of every kind that is read, to both signatures that take files."""
    rng = np.random.default_rng(0)
    sound, pixels = images[0].read_bytes(), cv2.imread(str(images[0]))
    damaged = []
    for kind in (".bmp", ".png", ".jpg"):
        whole = np.frombuffer(cv2.imencode(kind, pixels)[1].tobytes(), np.uint8)
        for reach in (60, 200, len(whole)):
            content = whole.copy()
            content[rng.integers(0, reach, 8)] = rng.integers(0, 256, 8)
            damaged += [content.tobytes(), whole[: rng.integers(len(whole))].tobytes()]
    for signature in ("serving_default", "explain"):
        answer = server.post(PREDICT, json={"signature_name": signature, **rows_of([sound, *damaged, sound])})
        assert answer.status_code == 200
        result = [row["probability"] for row in answer.json()["predictions"]]
        assert result[0] == pytest.approx(wanted[0].probability, abs=1e-6)
        assert result[-1] == pytest.approx(wanted[0].probability, abs=1e-6)
        assert None in result


def test_a_failing_request_leaves_the_others_alone():
    def compute(signature, values):
        if b"bad" in values:
            raise MemoryError("too much")
        return {"length": np.array([len(value) for value in values])}

    batcher = Batcher()
    jobs = [
        batcher.submit(PredictRequest("s", "image_bytes", values, True), compute)
        for values in ([b"a"], [b"ok", b"bad"], [b"long"])
    ]
    assert jobs[0].result(10)["length"].tolist() == [1]
    with pytest.raises(MemoryError):
        jobs[1].result(10)
    assert jobs[2].result(10)["length"].tolist() == [4]
    batcher.close()


@pytest.mark.parametrize("mode", GenerationMode)
def test_no_request_makes_the_server_fail(server, mode):
    """Requests generated from the server's OpenAPI description: valid and invalid ones."""
    schema = schemathesis.openapi.from_url(f"{server.base_url}/openapi.json")
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert len(operations) == 10
    statuses = Counter()
    named = [
        {"path_parameters": {"name": "scratch", "version": "1", "label": "stable"}} if "{name}" in one.path else {}
        for one in operations
    ]
    for operation, more in [*zip(operations, named), *((one, {}) for one in operations)]:

        @settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode, **more))
        def ask(case):
            answer = case.call()
            statuses[answer.status_code] += 1
            assert answer.status_code < 500, answer.text
            answer.json()

        with suppress(Unsatisfiable):  # an operation without parameters has no invalid request
            ask()
    assert statuses[404]
    assert statuses[400]
    assert statuses[200] or mode is GenerationMode.NEGATIVE


def test_joined_files_get_the_same_predictions(server, images, wanted):
    contents = [images[0].read_bytes(), b"", images[1].read_bytes()]
    path, sizes = "/page/versions/1/serving_default:predict", ",".join(str(len(content)) for content in contents)
    answer = server.post(path, content=b"".join(contents), headers={"X-Image-Sizes": sizes})
    first, empty, last = answer.json()["predictions"]
    assert empty["status"] == "unreadable"
    assert [first["probability"], last["probability"]] == pytest.approx(
        [row.probability for row in wanted[:2]], abs=1e-6
    )
    for where, sizes, words in (
        (path, "", "takes 1 to 128 numbers"),
        (path, "1,x", "takes 1 to 128 numbers"),
        (path, ",".join(["0"] * 129), "takes 1 to 128 numbers"),
        (path, "3", "must sum to the 2 bytes"),
        ("/page/versions/1/tensor:predict", "2", "no signature 'tensor' of image files"),
    ):
        answer = server.post(where, content=b"ab", headers={"X-Image-Sizes": sizes})
        assert (answer.status_code, words in answer.json()["error"]) == (400, True)
    assert server.post("/page/versions/2/explain:predict", headers={"X-Image-Sizes": "0"}).status_code == 404


def test_what_the_page_uses(server):
    samples = json.loads(re.search(r'"samples": (\[.*?\])', server.get("/").text)[1])
    assert len(samples) == 3
    for name in samples:
        picture = cv2.imdecode(np.frombuffer(server.get(f"/page/samples/{name}").content, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (450, 450, 3)
    assert server.get("/page/samples/other.png").status_code == 404
    assert server.post("/page/reason", content=b"").json() == {"reason": "is empty"}
    assert server.get("/v1/models/other/card").status_code == 404
    policy = server.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
