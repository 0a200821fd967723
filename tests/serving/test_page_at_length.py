"""The page over time: 200 cells, a server that stops and comes back, the largest file, a new version."""

import re
import shutil
import time
from pathlib import Path

import pytest

from leukemia_tf.config import PredictConfig
from leukemia_tf.data.synthetic import write_phantoms
from leukemia_tf.workflows.predict import predict

pytestmark = pytest.mark.slow

STEP = """async value => {
    const start = performance.now();
    at("heat").value = value;
    at("heat").dispatchEvent(new Event("input"));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - start;
}"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """200 cells of C-NMC's size."""
    folder = write_phantoms(tmp_path_factory.mktemp("many") / "cells", patients=15, cells=9, seed=11)
    return sorted(folder.rglob("*.bmp"))[:200]


def add(page, paths):
    page.set_input_files("#files", [str(path) for path in paths])


def wait_for(page, words, seconds=60):
    page.locator("#status", has_text=re.compile(words)).wait_for(timeout=1000 * seconds)


def show_maps(page):
    page.locator("#cells li").first.scroll_into_view_if_needed()
    page.locator("#cells li:first-child canvas[width='450']").wait_for()


def test_200_cells_are_nearly_as_fast_as_predict_and_the_slider_is_smooth(page, cells, tiny_run):
    sizes = {"serving_default": [], "explain": []}  # images of each request

    def record(request):
        if request.url.endswith(":predict"):
            signature = request.url.split("/")[-1].removesuffix(":predict")
            sizes[signature].append(len(request.headers["x-image-sizes"].split(",")))

    page.on("request", record)
    page.locator("#model-facts", has_text="version").wait_for()
    add(page, cells[:1])
    wait_for(page, "^1 image classified")
    page.click("#clear")
    predict(PredictConfig(cells[:1], run=tiny_run.path))  # loads the network
    added = []
    for _ in range(4):
        start = time.perf_counter()
        rows = predict(PredictConfig(cells, run=tiny_run.path))
        middle = time.perf_counter()
        add(page, cells)
        wait_for(page, "^200 images classified, 0 unreadable$")
        added.append(1000 * (time.perf_counter() - middle - (middle - start)) / len(rows))
        assert page.locator("#cells li").count() == len(rows) == 200
        show_maps(page)
        page.click("#clear")
    print(f"milliseconds an image that the page adds to predict: {', '.join(f'{value:.1f}' for value in added)}")
    assert max(sizes["serving_default"]) == 32
    assert sum(sizes["serving_default"]) == 801
    assert sum(sizes["explain"]) < 100  # of the cells in view alone
    assert min(added) < 15  # 0.3 of what `predict` takes with the default network
    add(page, cells)
    wait_for(page, "^200 images classified, 0 unreadable$")
    show_maps(page)
    steps = sorted(page.evaluate(STEP, value) for value in range(0, 100, 5))
    print(f"milliseconds of a step: median {steps[10]:.1f}, highest {steps[-1]:.1f}")
    assert steps[10] < 50
    page.locator("#cells li").last.scroll_into_view_if_needed()
    page.locator("#cells li:last-child canvas[width='450']").wait_for()


def test_a_server_that_stops_and_comes_back(open_page, running, model_folder, cells):
    with running(model_folder) as (client, process):
        page = open_page(client, error="Failed to load resource")
        add(page, cells[:3])
        wait_for(page, "^3 images classified")
        process.kill()
        process.wait()
        add(page, cells[3:40])
        page.locator("#cells", has_text="the server does not respond: is it running? Next try in").wait_for()
        wait_for(page, "^3 images classified, 0 unreadable, 37 not classified$")
        failed = page.locator("#cells li.failed").first
        assert "not classified" in failed.inner_text()
        assert "the server does not respond: is it running?" in failed.inner_text()
        port = client.base_url.port
    with running(model_folder, port=port):
        failed.get_by_role("button", name="Try again").click()
        wait_for(page, "^4 images classified, 0 unreadable, 36 not classified$")
        page.click("#again")
        wait_for(page, "^40 images classified, 0 unreadable$")
        page.locator("#cells li:first-child canvas[width='450']").wait_for()


def test_a_server_that_is_back_before_the_last_try(open_page, running, model_folder, cells):
    with running(model_folder) as (client, process):
        page = open_page(client, error="Failed to load resource")
        page.locator("#model-facts", has_text="version").wait_for()
        process.kill()
        process.wait()
        port = client.base_url.port
    add(page, cells[:40])
    page.locator("#cells", has_text="Next try in").wait_for()
    with running(model_folder, port=port):
        wait_for(page, "^40 images classified, 0 unreadable$", 120)


def test_a_server_that_is_too_slow(open_page, running, model_folder, cells):
    with running(model_folder, "--timeout", "0.0001") as (client, _):
        page = open_page(client, error="Failed to load resource")
        add(page, cells[:3])
        page.locator("#cells", has_text="Next try in 1 s.").wait_for()
        wait_for(page, "^0 images classified, 0 unreadable, 3 not classified$")
        reason = "there was no prediction within 0.0001 seconds: send fewer images at once."
        assert page.locator("#cells li", has_text=reason).count() == 3


def test_the_largest_file_is_that_which_is_shown(page, server, tmp_path):
    """A file of just that size is answered; one byte more is refused."""
    path, most = tmp_path / "largest.bmp", page.evaluate("settings.mostBytes")
    with path.open("wb") as file:
        file.write(b"BM")
        file.truncate(most)
    add(page, [path])
    wait_for(page, "^0 images classified, 1 unreadable$")
    assert "a BMP with a header of 0 bytes" in page.inner_text("#cells")
    sizes = {"X-Image-Sizes": str(most + 1)}
    answer = server.post("/page/versions/1/serving_default:predict", content=bytes(most + 1), headers=sizes)
    assert answer.status_code == 413


def test_a_new_version_is_used_and_the_page_says_so(open_page, running, model_folder, cells, tmp_path):
    folder = Path(shutil.copytree(model_folder, tmp_path / "scratch"))
    with running(folder) as (client, _):
        page = open_page(client, error="Failed to load resource")
        add(page, cells[:2])
        wait_for(page, "^2 images classified")
        shutil.copytree(folder / "1", folder / ".writing")
        (folder / ".writing").rename(folder / "2")
        until = time.monotonic() + 60
        while client.get("/healthz").json()["version"] == 1 and time.monotonic() < until:
            time.sleep(0.2)
        add(page, cells[2:4])
        wait_for(page, "^4 images classified")
        assert "version 2" in page.inner_text("#model-facts")
        assert "classified by versions 1 and 2" in page.inner_text("#notice")
