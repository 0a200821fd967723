"""report.html: self-contained, consistent with the run, readable by people and machines."""

import hashlib
import itertools
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from leukemia_tf.core.files import read_csv
from leukemia_tf.data.catalog import read_cells
from leukemia_tf.evaluation.cautions import cautions
from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.predictions import by_patient_group, read_predictions
from leukemia_tf.evaluation.scores import count_text, format_score
from leukemia_tf.reporting.provenance import data_fingerprint, provenance
from leukemia_tf.reporting.summary import decision_text
from leukemia_tf.reporting.tables import names_by_group, patient_rows
from leukemia_tf.runs.run_folder import RunFolder


class Page(HTMLParser):
    """Collects tags, addresses and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page(tiny_run):
    return Page(tiny_run.report.read_text())


def test_the_report_is_one_file(tiny_run, page):
    assert page.addresses
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert not re.search(r"url\(|@import|<script[^>]*src|<link|https?:", tiny_run.report.read_text())
    assert "default-src 'none'" in tiny_run.report.read_text()


def test_the_report_in_a_browser(tiny_run, check_report):
    check_report(tiny_run.report)


def test_the_report_shows_the_metrics(tiny_run, page):
    test = json.loads(tiny_run.metrics.read_text())["parts"]["test"]
    text = " ".join(" ".join(page.text).split())
    assert f"AUROC by patient {format_score(test['cell']['auroc_by_patient'])}" in text
    val = json.loads(tiny_run.metrics.read_text())["parts"]["val"]
    for name, metric in METRICS.items():
        both = f"{metric.title} {format_score(test['cell'][name])} {format_score(val['cell'][name])}"
        assert both in text.replace("† ", "").replace("†", "")
    assert f"{test['cells']} cells of {test['patients']['all']} ALL (leukemic) and" in count_text(test)
    assert count_text(test) in text
    for sentence in cautions(json.loads(tiny_run.metrics.read_text()), tiny_run.read_config()):
        assert sentence in text
        assert f"- **Caution:** {sentence}" in tiny_run.card.read_text()
    assert f"python -m leukemia_tf.train --base scratch --data {tiny_run.data.name}" in text
    assert "--image-size 60 --batch-size 8 --framing cell --epochs 2 --lr 0.003" in text


def test_the_report_says_which_run_on_which_cells(tiny_run, page):
    text = " ".join(" ".join(page.text).split())
    files = tiny_run.config.read_bytes() + tiny_run.cells.read_bytes()
    assert f"Run tiny ({hashlib.sha256(files).hexdigest()[:12]})" in text
    lines = sorted(f"{row['sha256']} {row['split']}\n" for row in read_csv(tiny_run.cells))
    assert f"Data fingerprint {hashlib.sha256(''.join(lines).encode()).hexdigest()[:12]}" in text
    environment = json.loads(tiny_run.environment.read_text())
    assert f"leukemia_tf {environment['leukemia_tf']}, commit {environment['commit']}" in text
    assert re.search(rf"Trained {environment['date'][:10]} \d\d:\d\d UTC Report written \d{{4}}-\d\d-\d\d", text)


def test_the_fingerprint_is_that_of_the_pictures_and_their_parts(tiny_run):
    cells = read_cells(tiny_run.cells)
    fingerprint = data_fingerprint(cells)
    renamed = [replace(cell, path=f"elsewhere/{number}.png", patient="x") for number, cell in enumerate(cells)]
    assert data_fingerprint(reversed(renamed)) == fingerprint
    assert data_fingerprint([replace(cells[0], split="test"), *cells[1:]]) != fingerprint
    assert data_fingerprint([replace(cells[0], sha256="0"), *cells[1:]]) != fingerprint


def test_an_earlier_runs_environment_has_no_date(tiny_run):
    environment = {"leukemia_tf": "0.1.0", "commit": None}
    rows = provenance(tiny_run, read_cells(tiny_run.cells), environment)
    assert "Trained" not in rows
    assert rows["leukemia_tf"] == "0.1.0, commit unknown"


def test_the_contents_lead_to_every_section(page):
    ids = [attributes["id"] for tag, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "h2"]
    links = [address[1:] for address in page.addresses if address.startswith("#")]
    assert set(links) <= set(ids)
    assert [link for link in links if link in sections] == sections
    assert len(sections) > 6


def test_every_figure_and_table_has_a_numbered_caption(tiny_run, page):
    text = tiny_run.report.read_text()
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    captions = [re.search(r"<figcaption><b>(Figure|Table) (\d+)\.</b> \S.{9,}</figcaption>", one) for one in figures]
    for kind in ("Figure", "Table"):
        numbers = [int(caption[2]) for caption in captions if caption[1] == kind]
        assert numbers == list(range(1, len(numbers) + 1))
    assert text.count("<table") == sum("<table" in figure for figure in figures) > 4


def test_no_interval_has_a_footnote(page):
    text = " ".join(" ".join(page.text).split())
    assert text.count("[no interval] †") == text.count("[no interval]") > 0
    assert "† No interval: fewer than 5 patients of a class" in text


def test_patients_stand_by_their_cells_under_one_count(tiny_run, tmp_path):
    run = RunFolder(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    predictions = read_predictions(run.predictions("test"))
    one, other = sorted({row.patient for row in predictions if row.label == "all"} | {"5"})[:2]
    predictions = [replace(row, patient=other) if index % 3 else row for index, row in enumerate(predictions)]
    predictions = by_patient_group([row for row in predictions if row.label == "all"] + predictions[:1], [[one, other]])
    titles, *rows = patient_rows(names_by_group(read_cells(run.cells), [[one, other]]), predictions, 0.5)
    counts = [int(row[titles.index("cells")]) for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == len(predictions)
    group = next(row for row in rows if "+" in row[0])
    assert group[0] == f"{one}+{other}"
    assert set(group[1].split(", ")) <= {one, other}


def test_no_folder_of_the_machine_is_in_report_and_card(tiny_run):
    for text in (tiny_run.report.read_text(), tiny_run.card.read_text()):
        for folder in (tiny_run.data.parent, tiny_run.path.resolve().parent, Path.home()):
            assert str(folder) not in text


def test_the_report_is_accessible(page):
    tags = [tag for tag, _ in page.tags]
    assert dict(page.tags[0][1])["lang"] == "en"
    assert tags.count("h1") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    alts = [attributes.get("alt", "") for tag, attributes in page.tags if tag == "img"]
    assert len(alts) > 6
    assert all(len(alt) > 20 for alt in alts)
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")


def test_colours_of_the_report_have_contrast(tiny_run):
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", tiny_run.report.read_text()))

    def luminance(colour):
        channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear))

    for ink in ("ink", "soft", "accent", "red"):
        for ground in ("paper", "wash"):
            assert (luminance(colours[ground]) + 0.05) / (luminance(colours[ink]) + 0.05) > 4.5, (ink, ground)


def test_words_of_report_and_card(tiny_run, page):
    card = tiny_run.card.read_text()
    for text in (" ".join(page.text), card):
        assert "ALL (leukemic)" in text
        assert "HEM (normal)" in text
        assert not re.search(r"\b((?<!cannot be )told|asked|judged|bred|doubt|elsewhere)\b", text)


@pytest.mark.parametrize(
    ("verdict", "words"), [("better", "got better"), ("worse", "got worse"), ("cannot be told", "neither")]
)
def test_the_verdict_on_the_calibration(tiny_run, verdict, words):
    metrics = json.loads(tiny_run.metrics.read_text())
    assert "uncalibrated" in decision_text(metrics)
    ranges = {"temperature_low": 1.1, "temperature_high": 1.9, "threshold_low": 0.2, "threshold_high": 0.4}
    change = {"value": 0.1, "low": -0.1, "high": 0.3}
    fitted = {"temperature": 1.4, "threshold": 0.3, "calibration_verdict": verdict, "log_loss_change": change}
    text = decision_text({**metrics, "decision": {**fitted, **ranges}})
    assert "1.4 (1.1 to 1.9 with any one patient left out)" in text
    assert "0.3 (0.2 to 0.4 with any one patient left out)" in text
    assert (
        f"changed by +0.100 [-0.100, +0.300]: {'that is ' if words == 'neither' else 'the probabilities '}{words}"
        in text
    )
    assert "log loss" not in decision_text({**metrics, "decision": {"temperature": 1.4, "threshold": 0.5}})
