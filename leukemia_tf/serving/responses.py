"""What the server's paths share: the body of a request, and the response to one that is too large."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse

from leukemia_tf.serving.problems import problem
from leukemia_tf.serving.rest import MOST_BYTES, TOO_LARGE


async def read_body(request: Request) -> bytes | None:
    """Return a request's body; None as soon as it is larger than `MOST_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def too_large() -> JSONResponse:
    """Return the response to a request larger than `MOST_BYTES`."""
    return problem(413, TOO_LARGE)
