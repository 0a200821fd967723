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

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def model_folder(exported):
    return exported.parent


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Start the server, by default on a free port: `with running(folder, *flags, VARIABLE=…) as (client, process)`.

    `process.log` is the file of what it writes to its standard output.
    """

    @contextmanager
    def run(folder, *flags, port=0, **env):
        command = [sys.executable, "-m", "leukemia_tf.serve", str(folder), "--port", str(port), *flags]
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
def running_server(running, model_folder):
    with running(model_folder) as both:
        yield both


@pytest.fixture(scope="session")
def guarded_server(running, model_folder):
    """One that requires the token `secret`, logs JSON, and admits pages of one other origin."""
    flags = ("--json-logs", "--cors-origin", "https://lab.example")
    with running(model_folder, *flags, LEUKEMIA_TF_TOKEN="secret") as both:
        yield both


@pytest.fixture(scope="session")
def server(running_server):
    return running_server[0]


@pytest.fixture(scope="session")
def server_process(running_server):
    return running_server[1]


@pytest.fixture
def open_page(browser):
    """Open the page of a server: `open_page(client)`; it must contact no other, and have no errors but those named."""
    opened = []

    def new(client, error=None, **options):
        page = browser.new_page(**{"viewport": {"width": 1100, "height": 900}, **options})
        page.problems, page.urls = [], []
        page.on("pageerror", lambda problem: page.problems.append(str(problem)))
        page.on("console", lambda note: page.problems.append(note.text) if note.type == "error" else None)
        page.on("request", lambda request: page.urls.append(request.url))
        page.goto(str(client.base_url))
        opened.append((page, str(client.base_url), error))
        return page

    yield new
    for page, base, error in opened:
        assert [text for text in page.problems if not (error and error in text)] == []
        assert [url for url in page.urls if not url.startswith((base, "blob:", "data:"))] == []
        page.close()


@pytest.fixture
def page(open_page, server):
    return open_page(server)
