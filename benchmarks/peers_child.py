"""What both sides of peers.py share; it needs the standard library alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

SIDE = 4096  # of the matrices whose product is the peak


def seconds(call: Callable[[], Any]) -> float:
    """Return the shortest time of a call, of as many as fit into two seconds, behind one that warms up."""
    call()
    times: list[float] = []
    while not times or (sum(times) < 2 and len(times) < 30):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def serve(answer: Callable[[dict[str, Any]], float]) -> None:
    """Answer each line of standard input, a request in JSON."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
