"""Warm-up requests: TensorFlow Serving sends them to a model that it loads, so that the first user need not wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

FILE = "assets.extra/tf_serving_warmup_requests"  # where TensorFlow Serving looks for it
TIMES = 2  # of each request: the second traces what the first has left

Inputs = Mapping[str, Sequence[bytes] | np.ndarray]


def predict_request(name: str, signature: str, inputs: Inputs) -> PredictRequest:
    """Return the message that a client sends over gRPC.

    Parameters
    ----------
    name, signature : str
        The model's name to the server, and its signature.
    inputs : mapping of str to sequence of bytes or numpy.ndarray
        By name, such as `image_bytes`: a list of bytes.
    """
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, values in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
    return request


def write_warm_up(folder: Path, name: str, requests: Mapping[str, Inputs]) -> Path:
    """Write requests to a model's signatures into its version's folder.

    Parameters
    ----------
    folder : pathlib.Path
        The version.
    name : str
        The model's name to the server.
    requests : mapping of str to mapping
        The inputs of each signature, as `predict_request` takes them.
    """
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for signature, inputs in requests.items():
            log = PredictionLog(predict_log=PredictLog(request=predict_request(name, signature, inputs)))
            for _ in range(TIMES):
                file.write(log.SerializeToString())
    return path


def sample_cell() -> np.ndarray:
    """Return a stand-in for a cell: a purple disc, uint8 [450, 450, 3]."""
    distance = np.arange(450) - 225
    inside = distance[:, None] ** 2 + distance**2 < 110**2
    return (inside[..., None] * np.array([110, 50, 130])).astype(np.uint8)
