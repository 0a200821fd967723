"""One line a request, as text or as JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import Request

log = logging.getLogger("leukemia_tf")

OFTEN = ("/healthz", "/metrics")  # paths that monitoring asks for every few seconds


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, and of a request its client, method, path, status and time."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_as_json() -> None:
    """Let the package's log write JSON."""
    for handler in log.handlers:
        handler.setFormatter(JsonFormatter())


def log_request(request: Request, status: int, seconds: float) -> None:
    """Log a request: at debug level what monitoring asks for, all else as a note."""
    client = request.client.host if request.client else ""
    fields = {
        "client": client,
        "method": request.method,
        "path": request.url.path,
        "status": status,
        "milliseconds": round(1000 * seconds, 1),
    }
    level = logging.DEBUG if request.url.path in OFTEN else logging.INFO
    log.log(level, "%s %s %s %d %.1f ms", *fields.values(), extra={"request": fields})
