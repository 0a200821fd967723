"""The page, in a real browser."""

import csv
import re
import shutil

import pytest

from leukemia_tf.config import PredictConfig
from leukemia_tf.evaluation.predictions import LABEL_NAMES
from leukemia_tf.workflows.predict import predict

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: the page is not tested")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.problems, page.requests = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda note: page.problems.append(note.text) if note.type == "error" else None)
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(str(server.base_url))
    yield page
    assert page.problems == []
    allowed = (str(server.base_url), "blob:", "data:")
    assert [url for url in page.requests if not url.startswith(allowed)] == []
    page.close()


def drop(page, paths):
    page.set_input_files("#files", [str(path) for path in paths])
    page.locator("#status", has_text=re.compile("classified|Stopped")).wait_for(timeout=60_000)


def pixels(page):
    return page.evaluate("document.querySelector('#cells canvas').toDataURL()")


def test_ten_images_their_heat_and_their_patients(page, tiny_cells, tiny_run, tmp_path):
    paths = sorted(tiny_cells.rglob("*.bmp"))[:10]
    drop(page, paths)
    assert page.inner_text("#status") == "10 images classified."
    wanted = predict(PredictConfig(paths, run=tiny_run.path))
    words = [box.inner_text() for box in page.query_selector_all("#cells li")]
    for text, row in zip(words, wanted, strict=True):
        assert LABEL_NAMES[row.prediction] in text
        assert f"{row.probability:.3f}" in text
    patients = {row.patient for row in wanted}
    assert len(page.query_selector_all("#patients tbody tr")) == len(patients)
    warm = pixels(page)
    assert page.text_content("#heat-means") == "warm colours: what supports the prediction, by Grad-CAM"
    page.focus("#heat")
    page.keyboard.press("Home")
    assert page.input_value("#heat") == "0"
    assert pixels(page) != warm
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(tmp_path / "predictions.csv")
    table = list(csv.DictReader((tmp_path / "predictions.csv").open()))
    assert [row["path"] for row in table] == [path.name for path in paths]
    assert [float(row["probability"]) for row in table] == pytest.approx([row.probability for row in wanted], abs=1e-6)
    page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
    page.click("#clear")
    assert page.query_selector_all("#cells li") == []


def test_a_bad_file_leaves_the_others_alone(page, tiny_cells, tmp_path):
    bad = tmp_path / "<img src=x onerror=alert(1)>.png"
    bad.write_bytes(b"no image")
    drop(page, [min(tiny_cells.rglob("*.bmp")), bad])
    first, second = (box.inner_text() for box in page.query_selector_all("#cells li"))
    assert "probability" in first
    assert "unreadable" in second
    assert "onerror" in second  # as text


def test_the_page_fits_a_phone(page, tiny_cells, tmp_path):
    page.set_viewport_size({"width": 360, "height": 720})
    drop(page, sorted(tiny_cells.rglob("*.bmp"))[:2])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=str(tmp_path / "phone.png"))
