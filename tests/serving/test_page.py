"""The page, used in a real browser as a person would."""

import csv
import re
import shutil

import pytest

from leukemia_tf.config import PredictConfig
from leukemia_tf.predict import predict

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("Chromium is not installed: the page is not tried")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    page = browser.new_page(viewport={"width": 1100, "height": 900})
    page.problems, page.asked = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda note: page.problems.append(note.text) if note.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(str(server.base_url))
    yield page
    assert page.problems == []
    own = (str(server.base_url), "blob:", "data:")
    assert [url for url in page.asked if not url.startswith(own)] == []
    page.close()


def drop(page, paths):
    page.set_input_files("#files", [str(path) for path in paths])
    page.locator("#news", has_text=re.compile("answered|Stopped")).wait_for(timeout=60_000)


def pixels(page):
    return page.evaluate("document.querySelector('#cells canvas').toDataURL()")


def test_ten_images_their_heat_and_their_patients(page, tiny_cells, tiny_run, tmp_path):
    paths = sorted(tiny_cells.rglob("*.bmp"))[:10]
    drop(page, paths)
    assert page.inner_text("#news") == "10 images are answered."
    wanted = predict(PredictConfig(paths, run=tiny_run.path))
    words = [box.inner_text() for box in page.query_selector_all("#cells li")]
    for text, row in zip(words, wanted, strict=True):
        assert f"({row.prediction})" in text
        assert f"{row.probability:.3f}" in text
    patients = {row.patient for row in wanted}
    assert len(page.query_selector_all("#patients tbody tr")) == len(patients)
    warm = pixels(page)
    page.focus("#heat")
    page.keyboard.press("Home")
    assert page.input_value("#heat") == "0"
    assert pixels(page) != warm
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(tmp_path / "answers.csv")
    table = list(csv.DictReader((tmp_path / "answers.csv").open()))
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


def test_on_a_telephone_nothing_sticks_out(page, tiny_cells, tmp_path):
    page.set_viewport_size({"width": 360, "height": 720})
    drop(page, sorted(tiny_cells.rglob("*.bmp"))[:2])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=str(tmp_path / "telephone.png"))
