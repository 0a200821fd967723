"""Requests that TensorFlow Serving asks a model before it takes any, so that the first of a user is not slow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

FILE = "assets.extra/tf_serving_warmup_requests"  # where TensorFlow Serving looks for it
TIMES = 2  # how often it asks: the first time builds, the second finds what still needs building


def predict_request(name: str, signature: str, inputs: Mapping[str, object]) -> PredictRequest:
    """Return what a client sends over gRPC.

    Parameters
    ----------
    name, signature : str
        The model's name to the server, and which of its functions is asked.
    inputs : mapping of str to array-like
        By name, such as `image_bytes`: a list of bytes.
    """
    request = PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, values in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
    return request


def write_warm_up(folder: Path, name: str, signatures: Mapping[str, Mapping[str, object]]) -> Path:
    """Write requests to a model's signatures into its version's folder.

    Parameters
    ----------
    folder : pathlib.Path
        The version.
    name : str
        The model's name to the server.
    signatures : mapping of str to mapping
        What each is asked, as `predict_request` takes it.
    """
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for signature, inputs in signatures.items():
            log = PredictionLog(predict_log=PredictLog(request=predict_request(name, signature, inputs)))
            for _ in range(TIMES):
                file.write(log.SerializeToString())
    return path


def a_cell() -> np.ndarray:
    """Return something like a cell to ask about: a purple disc, uint8 [450, 450, 3]."""
    away = np.arange(450) - 225
    inside = away[:, None] ** 2 + away**2 < 110**2
    return (inside[..., None] * np.array([110, 50, 130])).astype(np.uint8)
