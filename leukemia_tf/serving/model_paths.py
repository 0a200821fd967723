"""TensorFlow Serving's REST paths below /v1: a model's state, its metadata and its predictions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from leukemia_tf.serving.batching import Batcher, FullError
from leukemia_tf.serving.joined_files import SIZES, read_joined
from leukemia_tf.serving.problems import problem
from leukemia_tf.serving.responses import read_body, too_large
from leukemia_tf.serving.rest import PredictRequest, RequestError, read_request, uncompress, write_response
from leukemia_tf.serving.versions import Version
from leukemia_tf.serving.watched_model import WatchedModel

Parser = Callable[[Request, bytes, Version], PredictRequest]

log = logging.getLogger("leukemia_tf")

PREFIXES = {  # of the paths, with their parameters
    "/v1/models/{name}": ("name",),
    "/v1/models/{name}/versions/{version}": ("name", "version"),
    "/v1/models/{name}/labels/{label}": ("name", "label"),
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": "error", "content": {"application/json": {}}} for code in (400, 404, 413, 503, 504)
}
INSTANCE = {
    "type": "object",
    "properties": {"image_bytes": {"type": "object", "properties": {"b64": {"type": "string"}}}},
}
SCHEMA = {
    "type": "object",
    "properties": {"signature_name": {"type": "string"}, "instances": {"type": "array", "items": INSTANCE}},
}
BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": SCHEMA}}}}


def add_model_paths(app: FastAPI, model: WatchedModel, batcher: Batcher, timeout: float) -> None:
    """Add the paths of a model, of its versions and of its labels."""

    async def predict(request: Request) -> Response:
        return await _predict(request, _find(model, request), _parse, batcher, timeout)

    async def predict_joined(request: Request) -> Response:
        version = model.find(request.path_params["version"])
        return await _predict(request, version, _parse_joined, batcher, timeout)

    async def state(request: Request) -> Response:
        params = request.path_params
        one = _find(model, request)
        versions = [one] if {"version", "label"} & set(params) else model.versions
        return JSONResponse({"model_version_status": [_state(version) for version in versions]})

    async def metadata(request: Request) -> Response:
        version = _find(model, request)
        spec = {"name": model.name, "signature_name": "", "version": str(version.number)}
        signatures = {"signature_def": version.metadata}
        return JSONResponse({"model_spec": spec, "metadata": {"signature_def": signatures, **version.notes}})

    for prefix, names in PREFIXES.items():
        described = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
        more = {"parameters": described}
        app.get(prefix, responses=PROBLEMS, openapi_extra=more)(state)
        app.get(f"{prefix}/metadata", responses=PROBLEMS, openapi_extra=more)(metadata)
        app.post(f"{prefix}:predict", responses=PROBLEMS, openapi_extra={**more, **BODY})(predict)
    app.post("/page/versions/{version}/{signature}:predict", include_in_schema=False)(predict_joined)


def _find(model: WatchedModel, request: Request) -> Version:
    """Return the version that a request is for."""
    params = request.path_params
    if ":" in params["name"]:  # a verb that is not for this method
        raise HTTPException(405)
    model.check_name(params["name"])
    return model.find(params.get("version"), params.get("label"))


def _state(version: Version) -> dict[str, Any]:
    ready = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    return {"version": str(version.number), **ready}


def _parse(request: Request, body: bytes, version: Version) -> PredictRequest:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return read_request(uncompress(body, encoding), version.inputs)


def _parse_joined(request: Request, body: bytes, version: Version) -> PredictRequest:
    return read_joined(body, request.headers.get(SIZES, ""), request.path_params["signature"], version.inputs)


async def _predict(request: Request, version: Version, parse: Parser, batcher: Batcher, timeout: float) -> Response:
    """Return the response to a `:predict` request."""
    body = await read_body(request)
    if body is None:
        return too_large()
    try:
        parsed = await asyncio.to_thread(parse, request, body, version)
        job = batcher.submit(parsed, version.predict)
        outputs = await asyncio.wait_for(asyncio.wrap_future(job), timeout)
    except RequestError as error:
        return problem(400, str(error))
    except FullError:
        return problem(503, "too many images wait: try again in a moment.")
    except TimeoutError:
        return problem(504, f"there was no prediction within {timeout:g} seconds: send fewer images at once.")
    except Exception as error:  # TensorFlow's, such as too little memory
        log.exception("the prediction failed")
        return problem(503, f"the prediction failed: {(str(error).splitlines() or ['no reason'])[0]}")
    return JSONResponse(write_response(outputs, parsed.by_row))
