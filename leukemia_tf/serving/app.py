"""The web server: TensorFlow Serving's REST paths, a page, metrics."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from leukemia_tf.serving.batching import Batcher, FullError, Outputs
from leukemia_tf.serving.joined_files import SIZES, read_joined
from leukemia_tf.serving.metrics import Metrics
from leukemia_tf.serving.page import add_page
from leukemia_tf.serving.responses import problem, read_body, too_large, unknown
from leukemia_tf.serving.rest import PredictRequest, RequestError, Values, read_request, write_response
from leukemia_tf.serving.versions import WatchedModel

log = logging.getLogger("leukemia_tf")

PUBLIC = ("/", "/healthz")  # paths that need no token: the page has a field for it
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

Handler = Callable[[Request], Awaitable[Response]]
Parser = Callable[[bytes], PredictRequest]


def build_app(model: WatchedModel, token: str | None = None, timeout: float = 30.0) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    model : WatchedModel
        The model.
    token : str, optional
        Required as `Authorization: Bearer …`, except by the page itself and `/healthz`.
    timeout : float
        Seconds after which a request fails.
    """

    def predict(signature: str, values: Values) -> Outputs:
        return model.version.predict(signature, values)

    batcher = Batcher(predict, lambda count: metrics.images.observe(count))
    metrics = Metrics(model, lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        model.start()
        yield
        model.stop()
        batcher.close()

    app = FastAPI(title="leukemia_tf", lifespan=lifespan, docs_url=None, redoc_url=None)
    _add_guard(app, metrics, token)
    add_page(app, model, bool(token), timeout)
    _add_monitoring(app, model, metrics)
    _add_model(app, model)
    _add_predict(app, model, _predict_handler(batcher, timeout))
    return app


def _add_guard(app: FastAPI, metrics: Metrics, token: str | None) -> None:
    """Require the token, and measure each request."""

    @app.middleware("http")
    async def guard(request: Request, respond: Handler) -> Response:
        start, path = time.perf_counter(), request.url.path
        if token and path not in PUBLIC and not _has_token(request, token):
            response: Response = problem(401, "the bearer token is missing or wrong.")
        else:
            response = await respond(request)
        metrics.observe(path, response.status_code, time.perf_counter() - start)
        return response


def _add_monitoring(app: FastAPI, model: WatchedModel, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> dict:
        return {"model": model.name, "version": model.version.number}

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _add_model(app: FastAPI, model: WatchedModel) -> None:
    @app.get("/v1/models/{name}", responses=PROBLEMS)
    async def status(name: str) -> Response:
        if name != model.name:
            return unknown(model)
        state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return JSONResponse({"model_version_status": [{"version": str(model.version.number), **state}]})

    @app.get("/v1/models/{name}/metadata", responses=PROBLEMS)
    async def metadata(name: str) -> Response:
        if name != model.name:
            return unknown(model)
        version = model.version
        spec = {"name": model.name, "signature_name": "", "version": str(version.number)}
        signatures = {"signature_def": version.metadata()}
        return JSONResponse({"model_spec": spec, "metadata": {"signature_def": signatures, **version.notes}})


def _add_predict(app: FastAPI, model: WatchedModel, handle: Callable[[Request, Parser], Awaitable[Response]]) -> None:
    def parse(body: bytes) -> PredictRequest:
        return read_request(body, model.version.inputs)

    @app.post("/v1/models/{name}:predict", responses=PROBLEMS, openapi_extra=BODY)
    async def predict(name: str, request: Request) -> Response:
        return await handle(request, parse) if name == model.name else unknown(model)

    @app.post("/v1/models/{name}/versions/{version}:predict", responses=PROBLEMS, openapi_extra=BODY)
    async def predict_version(name: str, version: str, request: Request) -> Response:
        known = name == model.name and version == str(model.version.number)
        return await handle(request, parse) if known else unknown(model)

    @app.post("/page/versions/{version}/{signature}:predict", include_in_schema=False)
    async def predict_joined(version: str, signature: str, request: Request) -> Response:
        def parse_joined(body: bytes) -> PredictRequest:
            return read_joined(body, request.headers.get(SIZES, ""), signature, model.version.inputs)

        return await handle(request, parse_joined) if version == str(model.version.number) else unknown(model)


def _predict_handler(batcher: Batcher, timeout: float) -> Callable[[Request, Parser], Awaitable[Response]]:
    """Return the function from a `:predict` request, and what parses its body, to its response."""

    async def handle(request: Request, parse: Parser) -> Response:
        body = await read_body(request)
        if body is None:
            return too_large()
        try:
            parsed = await asyncio.to_thread(parse, body)
            outputs = await asyncio.wait_for(asyncio.wrap_future(batcher.submit(parsed)), timeout)
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

    return handle


def _has_token(request: Request, token: str) -> bool:
    sent = request.headers.get("authorization", "")
    return hmac.compare_digest(sent.encode(errors="replace"), f"Bearer {token}".encode())
