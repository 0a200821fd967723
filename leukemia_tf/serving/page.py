"""The page at `/`: one HTML file from those in `web/`, with what it needs of the server."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from leukemia_tf.data.headers import header_problem
from leukemia_tf.data.integrity import DAMAGED, SUFFIXES
from leukemia_tf.evaluation.predictions import COLUMNS, LABEL_NAMES, UNLIKE, UNLIKE_REASON
from leukemia_tf.runs.run_folder import RunFolder
from leukemia_tf.serving.batching import BATCH
from leukemia_tf.serving.problems import problem
from leukemia_tf.serving.responses import read_body, too_large
from leukemia_tf.serving.rest import MOST_BYTES
from leukemia_tf.serving.samples import sample_cells, sample_names
from leukemia_tf.serving.signatures import UNREADABLE
from leukemia_tf.serving.watched_model import WatchedModel

WEB = Path(__file__).with_name("web")
SHELL = WEB / "shell.html"
STYLES = ("page.css", "cells.css")
SCRIPTS = (
    *(
        "basics.js",
        "server.js",
        "cells.js",
        "files.js",
        "orientation.js",
        "queue.js",
        "failures.js",
        "heat.js",
        "heat_queue.js",
    ),
    *("cards.js", "patients.js", "patient_table.js", "view.js", "table.js", "lightbox.js", "model.js", "main.js"),
)  # one script: a file uses what is defined in those before it, and what is called later
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}


def add_page(app: FastAPI, model: WatchedModel, token: bool, timeout: float) -> None:
    """Add the page and the paths that it uses.

    Parameters
    ----------
    app : fastapi.FastAPI
        The application.
    model : WatchedModel
        The served model.
    token : bool
        Whether requests require a token, which the page then asks for.
    timeout : float
        Seconds after which the server gives up a request.
    """
    text, policy = build_page(page_settings(model.name, token, timeout))
    headers = {**HEADERS, "Content-Security-Policy": policy}

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(text, headers=headers)

    @app.get("/page/samples/{name}", include_in_schema=False)
    async def sample(name: str) -> Response:
        samples = await asyncio.to_thread(sample_cells)
        if name not in samples:
            return problem(404, f"the samples are {', '.join(samples)}.")
        return Response(samples[name], media_type="image/png")

    @app.post("/page/reason", include_in_schema=False)
    async def reason(request: Request) -> Response:
        content = await read_body(request)
        return too_large() if content is None else JSONResponse({"reason": _unreadable_reason(content)})

    @app.get("/v1/models/{name}/card", include_in_schema=False)
    async def card(name: str) -> Response:
        model.check_name(name)
        path = RunFolder(model.folder / str(model.version.number)).card
        if not path.is_file():
            return problem(404, f"{model.name} was exported without a {path.name}.")
        return PlainTextResponse(path.read_text(encoding="utf-8", errors="replace"), headers=HEADERS)


def page_settings(name: str, token: bool, timeout: float) -> dict[str, Any]:
    """Return what the page's script knows of the server."""
    return {
        "model": name,
        "token": token,
        "timeout": timeout,
        "batch": BATCH,
        "mostBytes": MOST_BYTES,
        "suffixes": SUFFIXES,
        "labels": LABEL_NAMES,
        "columns": COLUMNS,
        "unlike": UNLIKE,
        "unlikeReason": UNLIKE_REASON,
        "unreadable": UNREADABLE,
        "samples": list(sample_names()),
    }


def build_page(settings: dict[str, Any]) -> tuple[str, str]:
    """Return the page, and the policy that lets it run its script and style, and contact this server alone."""
    style, script = ("\n".join(_read(name) for name in names) for names in (STYLES, SCRIPTS))
    parts = {
        "MODEL_NAME": settings["model"],
        "SETTINGS": json.dumps(settings).replace("<", "\\u003c"),
        "STYLE": style,
        "SCRIPT": script,
    }
    text = SHELL.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text, policy


def _read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _unreadable_reason(content: bytes) -> str:
    """Return why an image cannot be read, in the words of `predict`."""
    wrong = header_problem(content)
    return wrong.reason if wrong else DAMAGED
