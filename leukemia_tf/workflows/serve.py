"""An exported model as a web service, without TensorFlow Serving."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from leukemia_tf.config import ServeConfig
from leukemia_tf.core.errors import UserError
from leukemia_tf.serving.access_log import log_as_json
from leukemia_tf.serving.watched_model import WatchedModel

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("leukemia_tf")

TOKEN = "LEUKEMIA_TF_TOKEN"  # noqa: S105  the variable's name
LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(config: ServeConfig) -> None:
    """Run the command `serve`; see `leukemia_tf.serve.serve`."""
    with _listen(config) as listener:
        model = WatchedModel(config.folder)
        stop: list[Callable[[], None]] = []
        app = application(config, model, lambda: stop[0]())
        import uvicorn

        if config.json_logs:
            log_as_json()
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        stop.append(lambda: setattr(server, "should_exit", True))
        _log_addresses(config, listener)
        server.run(sockets=[listener])
    if model.failure:
        raise model.failure


def application(config: ServeConfig, model: WatchedModel, on_failure: Callable[[], None] = lambda: None) -> FastAPI:
    """Return the web application that serves a model.

    Parameters
    ----------
    config : ServeConfig
        Its settings.
    model : WatchedModel
        The model.
    on_failure : callable
        Called if no version can be loaded.

    Raises
    ------
    UserError
        If the model's name cannot be part of a path, or if the extra `serve` is not installed.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+", config.folder.resolve().name):
        raise UserError(f"{config.folder}: a model's name takes only letters, digits, '.', '_' and '-'; rename it.")
    try:
        from leukemia_tf.serving.app import build_app
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: pip install 'leukemia_tf[serve]'.") from None

    return build_app(model, os.environ.get(TOKEN) or None, config.timeout, config.cors_origin, on_failure)


def _listen(config: ServeConfig) -> socket.socket:
    try:
        return socket.create_server((config.host, config.port), backlog=1024)
    except (OSError, OverflowError) as error:
        raise UserError(f"`host={config.host}`, `port={config.port}`: {error}; name another.") from None


def _log_addresses(config: ServeConfig, listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    log.info("the page: http://%s:%d/", host, port)
    log.info("REST: http://%s:%d/v1/models/%s:predict", host, port, config.folder.resolve().name)
    if config.host not in LOCAL and not os.environ.get(TOKEN):
        log.warning("WARNING: anybody who reaches %s can send requests: set %s to a token", config.host, TOKEN)
