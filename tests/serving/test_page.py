"""The page, in a real browser, with a real server."""

import csv
import json
import re
import shutil
import signal
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from leukemia_tf.config import PredictConfig
from leukemia_tf.evaluation.predictions import COLUMNS, LABEL_NAMES, UNLIKE_REASON
from leukemia_tf.workflows.predict import predict

HUGE = 72 << 20  # bytes
SHOWN = """image => {
    const width = image.naturalWidth, height = image.naturalHeight;
    const pen = new OffscreenCanvas(width, height).getContext("2d");
    pen.drawImage(image, 0, 0);
    return [height, width, [...pen.getImageData(0, 0, width, height).data]];
}"""
CHANGED = """threshold => new Promise(done => {
    const changes = [], observer = new MutationObserver(some => changes.push(...some));
    observer.observe(at("cells"), {subtree: true, childList: true, characterData: true});
    at("threshold").value = threshold;
    at("threshold").dispatchEvent(new Event("input"));
    requestAnimationFrame(() => setTimeout(() => done(changes.length)));
})"""


@pytest.fixture(scope="module")
def cells(tiny_cells):
    return sorted(tiny_cells.rglob("*.bmp"))


def add(page, paths):
    page.set_input_files("#files", [str(path) for path in paths])


def wait_for(page, words, seconds=30):
    page.locator("#status", has_text=re.compile(words)).wait_for(timeout=1000 * seconds)


def classify(page, paths):
    add(page, paths)
    wait_for(page, f"^{len(paths)} images? classified, 0 unreadable$")


def texts(page, selector="#cells li:visible"):
    return [re.sub(r"\n+", "\n", box.inner_text()) for box in page.locator(selector).all()]


def shown_pixels(image):
    height, width, values = image.evaluate(SHOWN)
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def images_sent(page):
    """Record the number of images of each request for predictions."""
    sent = []

    def record(request):
        if request.url.endswith("serving_default:predict"):
            sent.append(len(request.headers["x-image-sizes"].split(",")))

    page.on("request", record)
    return sent


def save_csv(page, path):
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(path)
    return download.value.suggested_filename, list(csv.DictReader(path.open()))


def test_cells_patients_and_csv_are_those_of_predict(page, cells, tiny_run, tmp_path):
    paths = cells[:10]
    classify(page, paths)
    wanted = predict(PredictConfig(paths, run=tiny_run.path))
    for text, row in zip(texts(page), wanted, strict=True):
        assert f"\n{LABEL_NAMES[row.prediction]}\n" in text
        assert f"probability of ALL (leukemic) {row.probability:.3f}" in text
    votes = {row.patient: Counter() for row in wanted}
    for row in wanted:
        votes[row.patient][row.prediction] += 1
    for text, (patient, count) in zip(texts(page, "#patients tbody tr"), sorted(votes.items()), strict=True):
        vote = "tie" if count["all"] == count["hem"] else LABEL_NAMES[count.most_common(1)[0][0]]
        mean = np.mean([row.probability for row in wanted if row.patient == patient])
        assert text.split("\t") == [patient, vote, f"{mean:.3f}", str(count.total()), str(count["all"]), "0"]
    name, table = save_csv(page, tmp_path / "page.csv")
    assert (name, tuple(table[0])) == ("predictions.csv", COLUMNS)
    for row, one in zip(table, wanted, strict=True):
        assert (row["path"], row["patient"], row["label"]) == (Path(one.path).name, one.patient, one.label)
        assert [row[key] for key in ("prediction", "status", "reason", "view")] == [one.prediction, "ok", "", "none"]
        assert float(row["probability"]) == pytest.approx(one.probability, abs=1e-6)
        assert float(row["logit"]) == pytest.approx(one.logit, abs=1e-5)
    page.click("#clear")
    assert (page.locator("#cells li").count(), page.inner_text("#status")) == (0, "")


def test_each_bad_file_shows_its_reason_and_the_others_go_on(page, cells, tiny_run, tmp_path):
    names = ("<img src=x onerror=alert(1)>.png", "cell.tif", "short.bmp", "empty.png")
    bad = [tmp_path / name for name in names]
    for path, content in zip(bad, (b"no image", b"II*\0" + bytes(99), cells[0].read_bytes()[:999], b"")):
        path.write_bytes(content)
    wanted = [row.reason for row in predict(PredictConfig(bad, run=tiny_run.path))]
    huge = tmp_path / "huge.bmp"
    with huge.open("wb") as file:
        file.truncate(HUGE)
    add(page, [cells[0], *bad, huge, cells[1]])
    wait_for(page, "^2 images classified, 5 unreadable$")
    first, *shown, too_large, last = texts(page)
    assert "probability" in first
    assert "probability" in last
    for text, reason, path in zip(shown, wanted, bad, strict=True):
        assert path.name in text  # as text
        assert f"unreadable\n{reason}" in text
    most = page.evaluate("settings.mostBytes")
    assert f"has {HUGE:,} bytes, more than the {most:,} allowed: crop it to the cell" in too_large
    assert page.inner_text("#limit") == f"{most / 2**20:.0f} MiB"
    table = save_csv(page, tmp_path / "page.csv")[1]
    assert [row["reason"] for row in table[1:5]] == wanted
    assert {row["status"] for row in table[1:6]} == {"unreadable"}


def test_drops_that_overlap_are_sent_once(page, cells):
    sent = images_sent(page)
    add(page, cells[:18])
    add(page, cells[10:28])  # 8 of them are there
    wait_for(page, "^28 images classified, 0 unreadable$")
    assert sum(sent) == page.locator("#cells li").count() == 28
    assert page.inner_text("#notice") == "8 images were here already."


def test_stop_and_clear_while_the_server_works(page, server_process, cells):
    classify(page, cells[:2])
    server_process.send_signal(signal.SIGSTOP)
    try:
        add(page, cells[2:12])
        page.click("#stop")
        wait_for(page, "^2 images classified, 0 unreadable, 10 not classified$")
        assert "stopped before it was classified" in texts(page)[5]
        page.click("#again")
        wait_for(page, "^Classifying: 2 of 12 done$")
        page.click("#clear")
        assert page.inner_text("#status") == ""
        add(page, cells[12:15])
    finally:
        server_process.send_signal(signal.SIGCONT)
    wait_for(page, "^3 images classified, 0 unreadable$")
    assert page.locator("#cells li").count() == 3


def test_a_busy_server_is_tried_again(page, cells):
    busy = iter([True, True])

    def respond(route):
        if next(busy, False):
            route.fulfill(status=503, json={"error": "too many images wait: try again in a moment."})
        else:
            route.continue_()

    page.route("**/*:predict", respond)
    page.problems = Allowed("503")
    add(page, cells[:5])
    page.locator("#cells", has_text="too many images wait: try again in a moment. Next try in 1 s.").wait_for()
    wait_for(page, "^5 images classified, 0 unreadable$")


class Allowed(list):
    """A list that takes no text with certain words."""

    def __init__(self, words):
        super().__init__()
        self.words = words

    def append(self, text):
        if self.words not in text:
            super().append(text)


def test_the_token_is_requested_first(open_page, guarded_server, cells, tmp_path):
    page = open_page(guarded_server[0], error="Failed to load resource")
    assert page.evaluate("document.activeElement.id") == "token"
    gone = shutil.copy(cells[0], tmp_path)
    add(page, [gone, *cells[:2]])
    Path(gone).unlink()
    wait_for(page, "^3 images waiting for the token$")
    page.fill("#token", "wrong")
    page.keyboard.press("Enter")
    page.locator("#token-problem", has_text="The token is wrong.").wait_for()
    assert page.evaluate("document.activeElement.id") == "token"
    page.keyboard.type("secret")
    page.keyboard.press("Enter")
    wait_for(page, "^2 images classified, 0 unreadable, 1 not classified$")
    assert "cannot be read any more" in texts(page)[0]
    assert not page.is_visible("#token-form")
    with page.expect_popup() as popup:
        page.click("#card")
    assert "Research use, not for diagnosis" in popup.value.inner_text("body")


def test_the_page_says_which_model_answers(page, tiny_run, server):
    metrics = json.loads(tiny_run.metrics.read_text())
    score = metrics["parts"]["test"]["cell"]["auroc_by_patient"]["value"]
    page.locator("#model-facts", has_text="version 1").wait_for()
    facts = page.inner_text("#model")
    assert f"AUROC by patient {score:.3f}" in facts
    assert re.search(r"scratch, version 1, trained 20\d\d-\d\d-\d\d, test ", facts)
    assert f"threshold {metrics['decision']['threshold']:.3g}" in facts
    card = server.get(page.get_attribute("#card", "href")).text
    run_card = tiny_run.card.read_text()  # another test may have evaluated the run since
    assert re.sub(r"\d\d:\d\d UTC", "", card) == re.sub(r"\d\d:\d\d UTC", "", run_card)
    page.click("#model-score summary")
    assert "not seen in training" in page.inner_text("#model-score")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_picture_pixels_and_map_are_those_that_are_stored(page, cells, tiny_run, tmp_path, kind):
    """A browser would turn a picture by its Exif orientation; `predict` refuses such a one."""
    upright, turned = (tmp_path / f"{name}.{kind.lower()}" for name in ("upright", "turned"))
    for path, orientation in ((upright, 1), (turned, 6)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.open(cells[0]).crop((0, 0, 120, 100)).save(path, kind, exif=exif, quality=95)
    stored = cv2.imread(str(upright), cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)
    row, refused = predict(PredictConfig([upright, turned], run=tiny_run.path))
    add(page, [upright, turned])
    wait_for(page, "^1 image classified, 1 unreadable$")
    first, second = texts(page)
    assert f" {row.probability:.3f}" in first
    assert f"unreadable\n{refused.reason}" in second
    page.locator("#cells canvas[width='120']").wait_for(state="attached")
    assert page.locator("#cells canvas").first.get_attribute("height") == "100"
    for image in page.locator("#cells img[src]").all():
        shown = shown_pixels(image)
        assert shown.shape == stored.shape
        assert np.abs(shown.astype(int) - stored).max() <= (0 if kind == "PNG" else 6)
    assert page.locator("#cells img[src]").count() == 2


def test_what_is_unlike_training_gets_no_label_and_no_vote(page, cells, tiny_run, tmp_path):
    path = tmp_path / "UID_90_1_1_all.png"
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    cv2.imwrite(str(path), noise)
    (row,) = predict(PredictConfig([path], run=tiny_run.path))
    assert row.status == "unlike-training"
    classify(page, [cells[0], path])
    text = texts(page)[1]
    assert f"unlike the training cells\nNo label: {UNLIKE_REASON}" in text
    assert not any(name in text for name in LABEL_NAMES.values())
    assert "1 unlike the training cells" in page.inner_text("#counts")
    assert texts(page, "#patients tbody tr")[1].split("\t") == ["90", "none", "", "0", "0", "1"]


def test_the_threshold_moves_labels_and_votes(page, cells, tiny_run, tmp_path):
    classify(page, cells[:8])
    usual = page.input_value("#threshold")
    assert page.inner_text("#threshold-note") == "the model's"
    page.fill("#threshold", "0")
    assert page.locator("#cells .label", has_text=LABEL_NAMES["all"]).count() == 8
    page.locator("#patients", has_text=LABEL_NAMES["hem"]).wait_for(state="hidden")
    assert page.inner_text("#threshold-note") == f"not the model's {usual}"
    assert page.evaluate(CHANGED, "0.001") == 0  # no card: each has the label that it had
    page.fill("#threshold", "0")
    name, table = save_csv(page, tmp_path / "page.csv")
    assert name == "predictions-threshold-0.csv"
    assert {row["prediction"] for row in table} == {"all"}
    page.click("#reset")
    wanted = Counter(row.prediction for row in predict(PredictConfig(cells[:8], run=tiny_run.path)))
    assert page.locator("#cells .label", has_text=LABEL_NAMES["all"]).count() == wanted["all"]
    assert page.inner_text("#threshold-note") == "the model's"


def test_sort_filter_and_lightbox_by_keyboard(page, cells, tiny_run):
    classify(page, cells[:8])
    rows = predict(PredictConfig(cells[:8], run=tiny_run.path))
    page.select_option("#sort", "high")
    names = [Path(row.path).name for row in sorted(rows, key=lambda row: -row.probability)]
    assert texts(page, "#cells .name") == names
    page.click("#patients tbody button >> nth=0")
    patient = [name for name in names if name.startswith(f"UID_{page.input_value('#patient')}_")]
    assert texts(page, "#cells .name:visible") == patient
    assert 1 < len(patient) < 8
    page.locator("#cells .picture:visible").first.focus()
    for key, place in (("Enter", 0), ("ArrowRight", 1), ("ArrowLeft", 0)):
        page.keyboard.press(key)
        assert page.inner_text("#box-name") == patient[place]
        assert page.inner_text("#box-place") == f"{place + 1} of {len(patient)}"
    page.locator("#box-words", has_text="Bright areas pushed the network towards").wait_for()
    assert page.locator("#box-picture canvas").is_visible()
    page.keyboard.press("m")
    assert not page.locator("#box-picture canvas").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.ariaLabel").startswith(f"Open {patient[0]}")
    page.fill("#low", "0.5")
    page.select_option("#patient", "")
    high = [name for name, row in zip(names, sorted(rows, key=lambda row: -row.probability)) if row.probability >= 0.5]
    assert texts(page, "#cells .name:visible") == high


def test_pictures_that_were_never_in_view_are_printed(page, cells):
    classify(page, cells)
    page.locator("#cells img[src]").nth(len(cells) - 1).wait_for(state="attached")
    page.evaluate("Promise.all(cells.map(cell => cell.card.image.decode()))")
    assert not page.evaluate("cells.every(cell => cell.near)")
    assert page.pdf().count(b"/Subtype /Image") >= len(cells)


def test_without_heat_the_pixels_are_the_originals(page, cells):
    classify(page, cells[:1])
    page.click("#cells .picture")
    page.locator("#box-words", has_text="Bright areas pushed").wait_for()
    page.check("#box-actual")
    original = cv2.imread(str(cells[0]))
    place = page.locator("#box-picture img").bounding_box()
    left, top, seen = round(place["x"]), round(place["y"]), []
    for heat in (0, 60):
        page.evaluate("value => { at('heat').value = value; at('heat').dispatchEvent(new Event('input')); }", heat)
        page.wait_for_timeout(200)
        picture = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        seen.append(picture[top : top + len(original), left : left + len(original)])
    np.testing.assert_array_equal(seen[0], original)
    assert (seen[1] != original).any()


def test_patients_without_a_name_can_be_named(page, cells, tmp_path):
    paths = [tmp_path / f"cell {place}.bmp" for place in range(3)]
    for path, cell in zip(paths, cells):
        path.write_bytes(cell.read_bytes())
    classify(page, paths)
    page.fill("#patients tbody input", "p 7")
    page.keyboard.press("Enter")
    page.locator("#patients tbody button", has_text="P 7").wait_for()
    page.locator("#cells .patient input").first.fill("l2")
    page.keyboard.press("Tab")
    page.locator("#patients tbody button", has_text="L2").wait_for()
    table = save_csv(page, tmp_path / "page.csv")[1]
    assert [row["patient"] for row in table] == ["L2", "P 7", "P 7"]


def test_a_dropped_folder_is_walked(page, cells, tmp_path):
    for place, cell in enumerate(cells[:4]):
        folder = tmp_path / "study" / ("a" if place < 2 else "b/c")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / cell.name).write_bytes(cell.read_bytes())
    (tmp_path / "study" / "table.csv").write_text("a,b\n")
    mouse = page.context.new_cdp_session(page)
    box = page.locator("#drop").bounding_box()
    where = {"x": box["x"] + 9, "y": box["y"] + 9}
    data = {"items": [], "files": [str(tmp_path / "study")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        mouse.send("Input.dispatchDragEvent", {"type": kind, **where, "data": data})
    wait_for(page, "^4 images classified, 0 unreadable$")
    assert page.inner_text("#notice") == "1 file of other kinds in the folder was left out."
    wanted = [f"study/a/{cell.name}" for cell in cells[:2]] + [f"study/b/c/{cell.name}" for cell in cells[2:4]]
    assert texts(page, "#cells .name") == wanted
    page.click("#clear")
    page.set_input_files("#folder", str(tmp_path / "study"))
    wait_for(page, "^4 images classified, 0 unreadable$")
    assert texts(page, "#cells .name") == wanted


def test_the_page_fits_a_phone_and_is_accessible(page, cells, tmp_path):
    """No finding of axe-core: empty, with cells of every kind, opened, in dark mode, at 390 pixels."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    assert axe.run(page).response["violations"] == []
    page.click("#samples")
    wait_for(page, "^3 images classified, 0 unreadable$")
    add(page, [*cells[:2], bad])
    wait_for(page, "^5 images classified, 1 unreadable$")
    page.set_viewport_size({"width": 390, "height": 800})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert axe.run(page).response["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#cells .picture").first.click()
    assert axe.run(page).response["violations"] == []
    assert page.evaluate("at('lightbox').scrollWidth") <= 390


def test_without_javascript_the_page_says_so(browser, server):
    page = browser.new_page(java_script_enabled=False)
    page.goto(str(server.base_url))
    assert "needs JavaScript" in page.inner_text("main")
    page.close()
