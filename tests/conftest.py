"""What the tests share: tiny phantom cells, a tiny run, and the real cells where they are at hand."""

import atexit
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.pop("LEUKEMIA_TF_DATA", None)
os.environ.pop("LEUKEMIA_TF_WEIGHTS", None)
os.environ["LEUKEMIA_TF_CACHE"] = tempfile.mkdtemp(prefix="leukemia-tf-cache-")
atexit.register(shutil.rmtree, os.environ["LEUKEMIA_TF_CACHE"], ignore_errors=True)

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("LEUKEMIA_TF_SHARED", ROOT.parent / "shared"))


def pytest_configure():
    logging.getLogger("leukemia_tf").setLevel(logging.INFO)


@pytest.fixture(scope="session")
def run_module():
    """Run a command as a user types it: `run_module(".train", *flags, cwd=…, VARIABLE=…)`."""

    def run(name, *flags, cwd, **env):
        command = [sys.executable, "-m", f"leukemia_tf{name}", *map(str, flags)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)

    return run


@pytest.fixture(scope="session")
def tiny_cells(tmp_path_factory):
    """4 patients a class with about 5 cells each, 120 pixels wide."""
    from leukemia_tf.data.synthetic import write_phantoms

    return write_phantoms(tmp_path_factory.mktemp("cells") / "tiny", patients=4, cells=5, seed=3, side=120)


@pytest.fixture(scope="session")
def tiny_run(tiny_cells, tmp_path_factory):
    """A scratch CNN trained on the tiny cells for two epochs."""
    from leukemia_tf.config import TrainConfig
    from leukemia_tf.workflows.train import train

    out = tmp_path_factory.mktemp("runs") / "tiny"
    # a framing and colours with which so small a network distinguishes the classes
    shown = {"framing": "cell", "stain_normalization": "none", "image_size": 60}
    config = TrainConfig(base="scratch", data=tiny_cells, out=out, **shown, epochs=2, batch_size=8, lr=3e-3)
    return train(config)


@pytest.fixture(scope="session")
def exported(tiny_run, tmp_path_factory):
    """Version 1 of the tiny run, exported once: copy its folder to add a version."""
    from leukemia_tf.config import ExportConfig
    from leukemia_tf.workflows.export import export

    return export(ExportConfig(run=tiny_run.path, out=tmp_path_factory.mktemp("served")))


def shared(name, what):
    if not (SHARED / name).is_dir():
        pytest.skip(f"{what} are not at hand")
    return SHARED / name


@pytest.fixture(scope="session")
def real_cells():
    """The folder of real cells; skips where it is not at hand."""
    return shared("C-NMC_Leukemia", "the real cells of C-NMC 2019")


@pytest.fixture(scope="session")
def wbc_segmentation():
    """The folder of pictures with experts' masks; skips where it is not at hand."""
    return shared("WBC_segmentation", "the pictures with experts' masks")


@pytest.fixture(scope="session")
def real_weights():
    """The folder of ImageNet weights; skips where it is not at hand."""
    return shared("weights", "the ImageNet weights")


@pytest.fixture(scope="module")
def browser():
    """Chromium; skips where it is not installed. Of a module, since its event loop is in the way of others."""
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("Chromium is not installed: no page is tested")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_report(browser):
    """Open a report as `open_report(path, width=…)`: nothing but the file is loaded, and no script fails."""
    pages = []

    def opened(path, width=1280, **options):
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.problems, page.requests = [], []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda note: page.problems.append(note.text) if note.type == "error" else None)
        page.on("request", lambda request: page.requests.append(request.url))
        page.goto(path.as_uri())
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert page.problems == []
        assert {url[:5] for url in page.requests} <= {"file:", "data:"}
        page.close()


@pytest.fixture(scope="module")
def check_report(open_report):
    """Check a report in a browser: axe finds nothing, and neither a screen nor a phone scrolls sideways."""
    axe = Path(pytest.importorskip("axe_playwright_python").__file__).with_name("axe.min.js").read_text()

    def check(path):
        assert path.stat().st_size < 3_000_000
        for width in (1280, 390):
            page = open_report(path, width)
            page.add_script_tag(content=axe)
            found = page.evaluate("axe.run()")["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        return page

    return check
