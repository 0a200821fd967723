"""The web server: TensorFlow Serving's REST paths, a page, metrics."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.middleware.cors import CORSMiddleware

from leukemia_tf.serving.access_log import log_request
from leukemia_tf.serving.batching import Batcher
from leukemia_tf.serving.metrics import Metrics
from leukemia_tf.serving.model_paths import add_model_paths
from leukemia_tf.serving.page import add_page
from leukemia_tf.serving.problems import add_problems, problem
from leukemia_tf.serving.watched_model import WatchedModel

PUBLIC = ("/", "/healthz")  # paths that need no token: the page has a field for it

Handler = Callable[[Request], Awaitable[Response]]


def build_app(
    model: WatchedModel,
    token: str | None = None,
    timeout: float = 30.0,
    origins: Sequence[str] = (),
    on_failure: Callable[[], None] = lambda: None,
) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    model : WatchedModel
        The model; it is loaded once the application starts.
    token : str, optional
        Required as `Authorization: Bearer …`, except by the page itself and `/healthz`.
    timeout : float
        Seconds after which a request fails.
    origins : sequence of str
        Pages on which a browser may send requests here (CORS), as in `https://lab.example`.
    on_failure : callable
        Called if no version can be loaded; `model.failure` then says why.
    """
    batcher = Batcher(lambda count: metrics.images.observe(count))
    metrics = Metrics(model, lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        model.start(on_failure)
        yield
        model.stop()
        batcher.close()

    app = FastAPI(title="leukemia_tf", lifespan=lifespan, docs_url=None, redoc_url=None)
    _add_guard(app, metrics, token)
    if origins:
        methods, headers = ("GET", "POST"), ("Authorization", "Content-Type", "Content-Encoding")
        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=methods, allow_headers=headers)
    add_problems(app)
    add_page(app, model, bool(token), timeout)
    _add_monitoring(app, model, metrics)
    add_model_paths(app, model, batcher, timeout)
    return app


def _add_guard(app: FastAPI, metrics: Metrics, token: str | None) -> None:
    """Require the token; measure and log each request."""

    @app.middleware("http")
    async def guard(request: Request, respond: Handler) -> Response:
        start, path = time.perf_counter(), request.url.path
        if token and path not in PUBLIC and not _has_token(request, token):
            response: Response = problem(401, "the bearer token is missing or wrong.")
        else:
            response = await respond(request)
        seconds = time.perf_counter() - start
        metrics.observe(path, response.status_code, seconds)
        log_request(request, response.status_code, seconds)
        return response


def _add_monitoring(app: FastAPI, model: WatchedModel, metrics: Metrics) -> None:
    @app.get("/healthz", responses={503: {"description": "no version is loaded yet"}})
    async def healthz() -> dict:
        return {"model": model.name, "version": model.version.number}

    @app.get("/metrics", include_in_schema=False)
    async def prometheus() -> Response:
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _has_token(request: Request, token: str) -> bool:
    sent = request.headers.get("authorization", "")
    return hmac.compare_digest(sent.encode(errors="replace"), f"Bearer {token}".encode())
