"""What the server answers when it cannot: `{"error": "…"}` on every path, as TensorFlow Serving."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from leukemia_tf.serving.watched_model import NotReadyError, UnknownVersionError


def problem(code: int, sentence: str) -> JSONResponse:
    """Return an answer with a status and a sentence."""
    return JSONResponse({"error": sentence}, code)


def add_problems(app: FastAPI) -> None:
    """Answer unknown paths and methods, unknown versions, and requests before a version is loaded."""

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        line = f"{request.method} {request.url.path}"
        if request.url.path.startswith("/v1/"):  # TensorFlow Serving's words and status
            return problem(400, f"Malformed request: {line}")
        return problem(error.status_code, f"{line}: {error.detail}.")

    @app.exception_handler(UnknownVersionError)
    async def unknown_version(request: Request, error: UnknownVersionError) -> JSONResponse:
        return problem(404, str(error))

    @app.exception_handler(NotReadyError)
    async def not_ready(request: Request, error: NotReadyError) -> JSONResponse:
        return problem(503, "no version of the model is loaded yet: try again in a moment.")
