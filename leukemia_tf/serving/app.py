"""The web server: TensorFlow Serving's REST paths, a page, metrics."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from leukemia_tf.serving.batching import Batcher, FullError
from leukemia_tf.serving.rest import RequestError, read_request, write_answer
from leukemia_tf.serving.versions import Watched

log = logging.getLogger("leukemia_tf")

LARGEST = 64 << 20  # bytes of a request
PAGE = Path(__file__).with_name("page.html")
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob: data:; connect-src 'self'"
)
OPEN = ("/", "/healthz")  # what needs no token: the page asks for it
PROBLEMS = {code: {"description": "error", "content": {"application/json": {}}} for code in (400, 404, 413, 503, 504)}
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "signature_name": {"type": "string"},
                        "instances": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "properties": {
                                    "image_bytes": {"type": "object", "properties": {"b64": {"type": "string"}}}
                                },
                            },
                        },
                    },
                }
            }
        },
    }
}


class Metrics:
    """What `/metrics` tells, in a registry of its own."""

    def __init__(self, watched: Watched, waiting: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        own = {"registry": self.registry, "namespace": "leukemia_tf"}
        self.requests = Counter("requests", "requests by path and status", ["path", "status"], **own)
        self.seconds = Histogram("request_seconds", "seconds until an answer", ["path"], **own)
        sizes = (1, 2, 4, 8, 16, 32, 64, 128)
        self.images = Histogram("batch_images", "images that were asked about at once", buckets=sizes, **own)
        Gauge("waiting_images", "images that wait for an answer", **own).set_function(waiting)
        Gauge("model_version", "the version that is served", **own).set_function(lambda: watched.version.number)


def build_app(watched: Watched, token: str | None = None, timeout: float = 30.0) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    watched : Watched
        The model.
    token : str, optional
        What `Authorization: Bearer …` must say, except for the page itself and `/healthz`.
    timeout : float
        Seconds after which a request is given up.
    """

    def ask(signature: str, values: object) -> dict:
        return watched.version.ask(signature, values)

    batcher = Batcher(ask, lambda count: metrics.images.observe(count))
    metrics = Metrics(watched, lambda: batcher.waiting)
    text = PAGE.read_text(encoding="utf-8").replace("MODEL_NAME", watched.name)

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        watched.start()
        yield
        watched.stop()
        batcher.close()

    app = FastAPI(title="leukemia_tf", lifespan=alive, docs_url=None, redoc_url=None)

    @app.middleware("http")
    async def watch(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        began, path = time.perf_counter(), _kind(request.url.path)
        if token and request.url.path not in OPEN and not _has(request, token):
            response = _problem(401, "the bearer token is missing or wrong.")
        else:
            response = await answer(request)
        metrics.requests.labels(path, response.status_code).inc()
        metrics.seconds.labels(path).observe(time.perf_counter() - began)
        return response

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> Response:
        own = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
        return HTMLResponse(text, headers=own)

    @app.get("/healthz")
    async def healthz() -> dict:
        return {"model": watched.name, "version": watched.version.number}

    @app.get("/metrics", include_in_schema=False)
    async def told() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/v1/models/{name}", responses=PROBLEMS)
    async def status(name: str) -> Response:
        if name != watched.name:
            return _unknown(watched)
        state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return JSONResponse({"model_version_status": [{"version": str(watched.version.number), **state}]})

    @app.get("/v1/models/{name}/metadata", responses=PROBLEMS)
    async def metadata(name: str) -> Response:
        if name != watched.name:
            return _unknown(watched)
        version = watched.version
        spec = {"name": watched.name, "signature_name": "", "version": str(version.number)}
        signatures = {"signature_def": version.described()}
        return JSONResponse({"model_spec": spec, "metadata": {"signature_def": signatures}})

    @app.post("/v1/models/{name}:predict", responses=PROBLEMS, openapi_extra=BODY)
    async def predict(name: str, request: Request) -> Response:
        return await answered(request) if name == watched.name else _unknown(watched)

    @app.post("/v1/models/{name}/versions/{version}:predict", responses=PROBLEMS, openapi_extra=BODY)
    async def predict_version(name: str, version: str, request: Request) -> Response:
        known = name == watched.name and version == str(watched.version.number)
        return await answered(request) if known else _unknown(watched)

    async def answered(request: Request) -> Response:
        body = bytearray()
        async for some in request.stream():
            body += some
            if len(body) > LARGEST:
                return _problem(413, f"a request takes at most {LARGEST >> 20} MiB: send the images in several.")
        try:
            asked = await asyncio.to_thread(read_request, bytes(body), watched.version.inputs)
            outputs = await asyncio.wait_for(asyncio.wrap_future(batcher.submit(asked)), timeout)
        except RequestError as error:
            return _problem(400, str(error))
        except FullError:
            return _problem(503, "too many images wait: try again in a moment.")
        except TimeoutError:
            return _problem(504, f"there was no answer within {timeout:g} seconds: send fewer images at once.")
        except Exception as error:  # TensorFlow's, such as too little memory
            log.exception("the network could not answer")
            return _problem(503, f"the network could not answer: {(str(error).splitlines() or ['no reason'])[0]}")
        return JSONResponse(write_answer(outputs, asked.by_row))

    return app


def _has(request: Request, token: str) -> bool:
    sent = request.headers.get("authorization", "")
    return hmac.compare_digest(sent.encode(errors="replace"), f"Bearer {token}".encode())


def _kind(path: str) -> str:
    """Return a path as the metrics name it: what anybody may type must not become a name there."""
    if path in ("/", "/healthz", "/metrics"):
        return path
    return "predict" if path.endswith(":predict") else "model" if path.startswith("/v1/models/") else "other"


def _problem(code: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": sentence}, code)


def _unknown(watched: Watched) -> JSONResponse:
    return _problem(404, f"there is only {watched.name}, version {watched.version.number}.")
