"""The server of an exported tiny run, in a separate process."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from leukemia_tf.config import ExportConfig
from leukemia_tf.workflows.export import export

CHROMIUM = shutil.which("chromium")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def model_folder(tiny_run, tmp_path_factory):
    return export(ExportConfig(run=tiny_run.path, out=tmp_path_factory.mktemp("served"))).parent


@pytest.fixture(scope="session")
def running():
    """Start the server, on a free port unless one is named: `with running(folder, VARIABLE=…) as (client, process)`."""

    @contextmanager
    def run(folder, *flags, port=0, **env):
        command = [sys.executable, "-m", "leukemia_tf.serve", str(folder), "--port", str(port), *flags]
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
def running_server(running, model_folder):
    with running(model_folder) as both:
        yield both


@pytest.fixture(scope="session")
def server(running_server):
    return running_server[0]


@pytest.fixture(scope="session")
def server_process(running_server):
    return running_server[1]


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: the page is not tested")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


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
