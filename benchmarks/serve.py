"""What the server adds to the network: 32 clients beside the bare signature.

    python benchmarks/serve.py MODEL_FOLDER [--seconds 60] [--clients 32]

MODEL_FOLDER is an exported model's, such as saved_models/resnet50-cut. Cells from LEUKEMIA_TF_DATA (else ../shared).
Every client sends one image after the other over loopback to a server in a separate process. The bare signature runs in
this process on batches as large as the server's, before and after; the mean of both counts. A response is lost if it
does not arrive, or differs from the bare signature's.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import numpy as np
from shared import use_shared

from leukemia_tf.data.catalog import find_images
from leukemia_tf.data.source import find_source
from leukemia_tf.serving.batching import BATCH
from leukemia_tf.serving.versions import Version, list_versions, load_version


def bare_rate(version: Version, contents: list[bytes], seconds: float) -> float:
    """Return images per second of the signature itself."""
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        version.predict("serving_default", [contents[(count + k) % len(contents)] for k in range(BATCH)])
        count += BATCH
    return count / (time.perf_counter() - began)


def client(port: int, name: str, requests: list[tuple[str, float]], first: int, until: float, answers: list) -> None:
    """Send requests until the time is over; `answers` gets (seconds, whether the response is right)."""
    line, place = HTTPConnection("127.0.0.1", port, timeout=60), first
    while time.perf_counter() < until:
        body, wanted = requests[place % len(requests)]
        began = time.perf_counter()
        try:
            line.request("POST", f"/v1/models/{name}:predict", body)
            answer = json.loads(line.getresponse().read())
            right = abs(answer["predictions"][0]["probability"] - wanted) < 1e-5
        except (OSError, HTTPException, ValueError, KeyError):
            right = False
            line.close()
        answers.append((time.perf_counter() - began, right))
        place += 1


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    arguments = parser.parse_args()
    use_shared()
    contents = [path.read_bytes() for path in find_images([find_source(None).folder])[:200]]
    version = load_version(arguments.folder, list_versions(arguments.folder)[-1])
    wanted = [
        p for k in range(0, 200, 20) for p in version.predict("serving_default", contents[k : k + 20])["probability"]
    ]
    bodies = [
        json.dumps({"instances": [{"image_bytes": {"b64": base64.b64encode(content).decode()}}]})
        for content in contents
    ]
    before = bare_rate(version, contents, arguments.seconds / 4)
    source = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "leukemia_tf.serve", str(arguments.folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **source})
    try:
        port = int(re.search(r"127\.0\.0\.1:(\d+)", server.stdout.readline())[1])
        answers: list[tuple[float, bool]] = []
        began = time.perf_counter()
        words = (port, arguments.folder.resolve().name, list(zip(bodies, wanted)))
        clients = [
            threading.Thread(target=client, args=(*words, 7 * k, began + arguments.seconds, answers))
            for k in range(arguments.clients)
        ]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        rate = len(answers) / (time.perf_counter() - began)
    finally:
        server.terminate()
        server.wait()
    bare = (before + bare_rate(version, contents, arguments.seconds / 4)) / 2
    milliseconds = 1000 * np.array([seconds for seconds, _ in answers])
    results = {
        **{"clients": arguments.clients, "answers": len(answers), "lost": sum(not right for _, right in answers)},
        **{f"p{share}_ms": float(np.percentile(milliseconds, share)) for share in (50, 99)},
        **{"rate": rate, "bare_rate": bare, "rate_over_bare": rate / bare},
    }
    print("| | |\n|---|---|")
    for name, value in results.items():
        print(f"| {name.replace('_', ' ')} | {value:.4g} |")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
