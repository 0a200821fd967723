"""The server of an exported tiny run, in a separate process."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from leukemia_tf.config import ExportConfig
from leukemia_tf.workflows.export import export

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def model_folder(tiny_run, tmp_path_factory):
    return export(ExportConfig(run=tiny_run.path, out=tmp_path_factory.mktemp("served"))).parent


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Start the server on a free port: `with running(folder, *flags, VARIABLE=…) as (client, process)`.

    `process.log` is the file of what it writes to its standard output.
    """

    @contextmanager
    def run(folder, *flags, **env):
        command = [sys.executable, "-m", "leukemia_tf.serve", str(folder), "--port", "0", *flags]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        log = tmp_path_factory.mktemp("server") / "log"
        with log.open("w") as stream:
            process = subprocess.Popen(command, stdout=stream, stderr=subprocess.DEVNULL, env=environment)
        process.log = log
        try:
            address = _wait(process, lambda: re.search(r"127\.0\.0\.1:\d+", log.read_text()))
            with httpx.Client(base_url=f"http://{address[0]}", timeout=30) as client:
                _wait(process, lambda: client.get("/healthz").status_code == 200)
                yield client, process
        finally:
            process.kill()
            process.wait()

    return run


def _wait(process, ready, seconds=120):
    until = time.monotonic() + seconds
    while not (result := ready()):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < until, "the server did not start"
        time.sleep(0.1)
    return result


@pytest.fixture(scope="session")
def server(running, model_folder):
    with running(model_folder) as (client, _):
        yield client
