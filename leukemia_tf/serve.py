"""`python -m leukemia_tf.serve`: an exported model as a web service, for a lab without TensorFlow Serving."""

from __future__ import annotations

import logging
import os
import re
import socket
from typing import TYPE_CHECKING

from leukemia_tf.cli import run_command
from leukemia_tf.config import ServeConfig
from leukemia_tf.errors import UserError

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("leukemia_tf")

TOKEN = "LEUKEMIA_TF_TOKEN"  # noqa: S105  the variable's name


def application(config: ServeConfig) -> FastAPI:
    """Load a model and return the web application that serves it.

    Parameters
    ----------
    config : ServeConfig
        The model's folder.

    Raises
    ------
    UserError
        If there is no model, or if the extra `serve` is not installed.
    """
    if not re.fullmatch(r"[A-Za-z0-9._-]+", config.folder.resolve().name):
        raise UserError(f"{config.folder}: a model's name takes letters, digits, '.', '_' and '-' alone; rename it.")
    try:
        from leukemia_tf.serving.app import build_app
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: pip install 'leukemia_tf[serve]'.") from None
    from leukemia_tf.serving.versions import Watched

    return build_app(Watched(config.folder), os.environ.get(TOKEN) or None, config.timeout)


def serve(config: ServeConfig) -> None:
    """Serve a model until it is told to stop.

    Parameters
    ----------
    config : ServeConfig
        Which model, and where.

    Raises
    ------
    UserError
        If there is no model, or if the port is taken.
    """
    try:
        listener = socket.create_server((config.host, config.port), backlog=1024)
    except (OSError, OverflowError) as error:
        raise UserError(f"--host {config.host} --port {config.port}: {error}; name another.") from None
    with listener:
        app = application(config)
        import uvicorn

        host, port = listener.getsockname()[:2]
        name = config.folder.resolve().name
        log.info("the page: http://%s:%d/", host, port)
        log.info("REST: http://%s:%d/v1/models/%s:predict", host, port, name)
        if config.host not in ("127.0.0.1", "localhost", "::1") and not os.environ.get(TOKEN):
            log.warning("WARNING: anybody who reaches %s may ask: set %s to a token", config.host, TOKEN)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    run_command("serve", ServeConfig, serve)
