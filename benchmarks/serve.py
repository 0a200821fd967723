"""What the server adds to the network: 32 clients beside the bare signature.

    python benchmarks/serve.py MODEL_FOLDER [--seconds 60] [--clients 32]

MODEL_FOLDER is an exported model's, such as saved_models/resnet50-cut. Cells from LEUKEMIA_TF_DATA (else ../shared).
Every client asks about one image after the other over loopback, from a server in a process of its own; the bare
signature is asked in this process about as many images at once as the server puts together, before and after, and the
mean of both counts. An answer is lost if it does not come, or if it is not the bare signature's.
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
from leukemia_tf.serving.batching import TOGETHER
from leukemia_tf.serving.versions import load, numbers


def bare_rate(version: object, contents: list[bytes], seconds: float) -> float:
    """Return images a second of the signature itself."""
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        version.ask("serving_default", [contents[(count + k) % len(contents)] for k in range(TOGETHER)])
        count += TOGETHER
    return count / (time.perf_counter() - began)


def client(port: int, name: str, asked: list[tuple[str, float]], first: int, until: float, told: list) -> None:
    """Ask until the time is over; `told` gets (seconds, whether the answer is right)."""
    line, place = HTTPConnection("127.0.0.1", port, timeout=60), first
    while time.perf_counter() < until:
        body, wanted = asked[place % len(asked)]
        began = time.perf_counter()
        try:
            line.request("POST", f"/v1/models/{name}:predict", body)
            answer = json.loads(line.getresponse().read())
            right = abs(answer["predictions"][0]["probability"] - wanted) < 1e-5
        except (OSError, HTTPException, ValueError, KeyError):
            right = False
            line.close()
        told.append((time.perf_counter() - began, right))
        place += 1


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=32)
    asked = parser.parse_args()
    use_shared()
    contents = [path.read_bytes() for path in find_images([find_source(None).folder])[:200]]
    version = load(asked.folder, numbers(asked.folder)[-1])
    wanted = [p for k in range(0, 200, 20) for p in version.ask("serving_default", contents[k : k + 20])["probability"]]
    bodies = [
        json.dumps({"instances": [{"image_bytes": {"b64": base64.b64encode(content).decode()}}]})
        for content in contents
    ]
    before = bare_rate(version, contents, asked.seconds / 4)
    source = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    command = [sys.executable, "-m", "leukemia_tf.serve", str(asked.folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **source})
    try:
        port = int(re.search(r"127\.0\.0\.1:(\d+)", server.stdout.readline())[1])
        answers: list[tuple[float, bool]] = []
        began = time.perf_counter()
        words = (port, asked.folder.resolve().name, list(zip(bodies, wanted)))
        clients = [
            threading.Thread(target=client, args=(*words, 7 * k, began + asked.seconds, answers))
            for k in range(asked.clients)
        ]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        rate = len(answers) / (time.perf_counter() - began)
    finally:
        server.terminate()
        server.wait()
    bare = (before + bare_rate(version, contents, asked.seconds / 4)) / 2
    milliseconds = 1000 * np.array([seconds for seconds, _ in answers])
    found = {
        **{"clients": asked.clients, "answers": len(answers), "lost": sum(not right for _, right in answers)},
        **{f"p{share}_ms": float(np.percentile(milliseconds, share)) for share in (50, 99)},
        **{"rate": rate, "bare_rate": bare, "rate_over_bare": rate / bare},
    }
    print("| | |\n|---|---|")
    for name, value in found.items():
        print(f"| {name.replace('_', ' ')} | {value:.4g} |")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
