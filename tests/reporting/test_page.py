"""A page in a browser, from made-up predictions: slider, sorting, galleries, saved figures, print, and no script."""

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from leukemia_tf.evaluation.figures import pooled_figures
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.evaluation.predictions import LABEL_NAMES, Prediction, arrays
from leukemia_tf.evaluation.scores import format_score, score_part
from leukemia_tf.reporting import sections, tables
from leukemia_tf.reporting.blocks import Page, Table, section
from leukemia_tf.reporting.captions import figure_texts, pictures
from leukemia_tf.reporting.page import render_page, write_page

THRESHOLD = 0.437
CELLS = 6  # of a patient


def made_up(count=CELLS):
    """Predictions of 6 patients a class, their cells spread round a mean of the patient; one has an unusual name."""
    rng, rows = np.random.default_rng(5), []
    for number in range(12):
        label, mean = ("all", 0.62) if number < 6 else ("hem", 0.38)
        name = f"P{number}" if number else "</script><b>&"
        for cell in range(count):
            probability = float(np.clip(mean + 0.03 * (number % 6 - 3) + 0.15 * rng.standard_normal(), 0.01, 0.99))
            logit = float(np.log(probability / (1 - probability)))
            called = "all" if probability >= THRESHOLD else "hem"
            rows.append(
                Prediction(f"{name.strip('</>')[:2]}-{number}-{cell}.png", name, label, logit, probability, called)
            )
    return rows


def make_page(predictions, folder, areas=None):
    part = score_part(predictions, THRESHOLD)
    figures = pooled_figures(predictions, part["cell"], THRESHOLD, areas=areas)
    shown = pictures(figures, figure_texts(part, f"{THRESHOLD}", "No calibration."))
    scored = sections.Scored(predictions, THRESHOLD, shown, {row.patient: row.patient for row in predictions}, folder)
    titles, *rows = tables.pooled_score_rows({"": part})
    return Page(
        title="a page",
        name="A page",
        subtitle="made up",
        headline=f"AUROC by patient {format_score(part['cell']['auroc_by_patient'])}",
        details="on made-up cells.",
        sections=[
            section("scores", "Scores", Table("scores", "All scores.", titles, rows, stacked=True)),
            sections.performance(scored, "No calibration."),
            sections.threshold_section(scored),
            sections.patients_section(scored),
            sections.wrong_section(scored, ()),
        ],
    )


@pytest.fixture(scope="module")
def predictions():
    return made_up()


@pytest.fixture(scope="module")
def path(predictions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for number, row in enumerate(predictions):
        pixels = np.zeros((60, 60, 3), np.uint8)
        cv2.imwrite(str(folder / row.path), cv2.circle(pixels, (30, 30), 18, (50 + 2 * number, 60, 140), -1))
    areas = np.linspace(500, 900, len(predictions))
    return write_page(folder / "report.html", make_page(predictions, folder, areas))


@pytest.fixture(scope="module")
def page(path, open_report):
    return open_report(path)


def set_threshold(page, value):
    page.evaluate(
        "value => { const input = document.getElementById('threshold-input'); input.value = value; "
        "input.dispatchEvent(new Event('input')); }",
        value,
    )


def test_axe_finds_nothing(path, check_report):
    check_report(path)


@pytest.mark.parametrize("threshold", [None, 0.2, 0.5, 0.613])
def test_the_slider_computes_what_python_does(page, predictions, threshold):
    labels, probabilities, patients = arrays(predictions)
    if threshold is None:
        page.click("#threshold-reset")
    else:
        set_threshold(page, threshold)
    at = threshold or THRESHOLD
    wanted = all_metrics(labels, probabilities, patients, threshold=at)
    for name in ("sensitivity", "specificity"):
        assert page.inner_text(f"#live-{name}").startswith(f"{wanted[name][0]:.3f} (")
    means = {name: probabilities[patients == name].mean() for name in patients}
    changed = {name for name, mean in means.items() if (mean >= at) != (mean >= THRESHOLD)}
    text = page.inner_text("#live-patients")
    assert changed or threshold is None
    assert {name for name in means if f"{name} (" in text} == changed
    for name in changed:
        label = labels[patients == name][0]
        now = LABEL_NAMES["all" if means[name] >= at else "hem"]
        verdict = "now correct" if (means[name] >= at) == label else "now wrong"
        assert f"{name} ({LABEL_NAMES['all' if label else 'hem']}) to {now}, {verdict}" in text
    left, box = (page.query_selector(place).bounding_box() for place in (".plot .line", "#figure-histogram img"))
    assert box["x"] < left["x"] < box["x"] + box["width"]


def test_the_line_moves_with_the_threshold(page):
    places = []
    for value in (0.0, 0.5, 1.0):
        set_threshold(page, value)
        places.append(page.query_selector(".plot .line").bounding_box()["x"])
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=1)
    assert places[2] - places[0] > 300


def test_tables_sort_by_numbers_and_by_names(page):
    def column(number):
        rows = page.query_selector_all("#table-patients tbody tr")
        return [row.query_selector_all("th, td")[number].text_content() for row in rows]

    heads = page.query_selector_all("#table-patients thead button")
    place = [head.inner_text() for head in heads].index("mean probability")
    heads[place].click()
    assert column(place) == sorted(column(place), key=float)
    assert page.get_attribute(f"#table-patients thead th:nth-child({place + 1})", "aria-sort") == "ascending"
    heads[place].click()
    assert column(place) == sorted(column(place), key=float, reverse=True)
    heads[0].press("Enter")
    names = column(0)
    assert [name for name in names if name[0] == "P"] == [f"P{number}" for number in range(1, 12)]


def test_undefined_and_empty_stand_last(page):
    head = page.query_selector("#table-scores thead th:nth-child(3) button")
    for _ in range(2):
        head.click()
        texts = page.evaluate(
            "[...document.querySelectorAll('#table-scores tbody tr')].map(row => row.cells[2].textContent)"
        )
        filled = [bool(text) and text != "undefined" for text in texts]
        assert filled == sorted(filled, reverse=True)


def test_a_figure_is_saved_as_svg(page, tmp_path):
    with page.expect_download() as download:
        page.click("#figure-roc button")
    assert download.value.suggested_filename == "roc.svg"
    download.value.save_as(tmp_path / "roc.svg")
    content = (tmp_path / "roc.svg").read_text()
    assert content.startswith("<?xml")
    assert "<svg" in content


def test_a_picture_is_enlarged_and_closed(page):
    wrong = page.query_selector(".cells .wrong button")
    small = wrong.query_selector("img").bounding_box()["width"]
    wrong.click()
    shown = page.query_selector("dialog[open] img")
    assert shown.bounding_box()["width"] > 2 * small
    caption = page.inner_text("dialog p")
    assert re.search(r"p\s=\s0\.\d{3}, threshold\s0\.437", caption)
    page.keyboard.press("Escape")
    assert page.query_selector("dialog[open]") is None


def test_wrong_cells_are_framed_in_red(page, predictions):
    wrong = [row for row in predictions if row.prediction != row.label]
    shown = page.query_selector_all(".cells .wrong img")
    assert 0 < len(shown) <= len(wrong)
    colours = {image.evaluate("image => getComputedStyle(image).borderTopColor") for image in shown}
    assert colours == {"rgb(193, 18, 31)"}


def test_a_phone_shows_the_scores_without_scrolling_sideways(path, open_report):
    page = open_report(path, 390)
    table = page.query_selector("#table-scores .scroll")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth")
    for cell in page.query_selector_all("#table-scores td"):
        box = cell.bounding_box()
        assert box is None or box["x"] + box["width"] <= 390
    text = page.inner_text("#table-scores")
    assert "AUROC by patient" in text
    assert page.evaluate("getComputedStyle(document.querySelector('#table-scores td'), '::before').content") != "none"


def test_without_scripts_the_same_is_there(path, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert not page.is_visible("#threshold-input")
    assert page.is_visible("#table-thresholds")
    assert page.is_visible(".cells img")
    assert page.is_visible("#figure-roc img")
    context.close()


def test_print_has_every_picture_and_no_controls(path, open_report):
    page = open_report(path)
    sources = {image.get_attribute("src") for image in page.query_selector_all(".cells img")}
    assert page.pdf().count(b"/Subtype /Image") >= len(sources) > 10
    page.emulate_media(media="print")
    assert not any(button.is_visible() for button in page.query_selector_all(".tool"))
    assert not page.is_visible("#threshold-input")
    assert page.is_visible("#table-thresholds")


def test_a_patients_name_stays_text(path, page):
    assert page.query_selector("#table-patients table b") is None
    assert "</script><b>&" in page.inner_text("#table-patients")
    assert "<b>&" not in path.read_text()


def test_the_same_page_is_the_same_bytes(path, predictions):
    areas = np.linspace(500, 900, len(predictions))
    assert render_page(make_page(predictions, path.parent, areas)) == path.read_text()


@pytest.mark.slow
def test_two_thousand_cells_fit_in_three_megabytes(tmp_path):
    rows = [replace(row, path=f"{number}.png") for number, row in enumerate(made_up(count=170))]
    noise = np.random.default_rng(0).integers(30, 255, (300, 300, 3), np.uint8)
    for row in rows:
        cv2.imwrite(str(tmp_path / row.path), noise)
    path = write_page(tmp_path / "report.html", make_page(rows, tmp_path, np.linspace(100, 200, len(rows))))
    assert len(rows) > 2000
    assert path.stat().st_size < 3_000_000
