"""The server of an exported tiny run, in a separate process."""

import os
import re
import subprocess
import sys
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
def running():
    """Start the server on a free port: `with running(folder, VARIABLE=…) as (client, process)`."""

    @contextmanager
    def run(folder, **env):
        command = [sys.executable, "-m", "leukemia_tf.serve", str(folder), "--port", "0"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        try:
            port = re.search(r"127\.0\.0\.1:(\d+)", process.stdout.readline())[1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                yield client, process
        finally:
            process.kill()
            process.wait()

    return run


@pytest.fixture(scope="session")
def server(running, model_folder):
    with running(model_folder) as (client, _):
        yield client
