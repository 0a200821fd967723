"""report.html and MODEL_CARD.md: self-contained, consistent with the run, readable by people and machines."""

import itertools
import json
import re
from html.parser import HTMLParser

import pytest

from leukemia_tf.evaluation.metrics import METRICS
from leukemia_tf.evaluation.scores import count_text, format_score
from leukemia_tf.reporting.summary import cautions


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
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not re.search(r"url\(|@import|<script|<link|https?:", tiny_run.report.read_text())


def test_the_report_shows_the_metrics(tiny_run, page):
    test = json.loads(tiny_run.metrics.read_text())["parts"]["test"]
    text = " ".join(" ".join(page.text).split())
    assert f"AUROC by patient {format_score(test['cell']['auroc_by_patient'])}" in text
    for name, metric in METRICS.items():
        assert f"{metric.title} {format_score(test['cell'][name])}" in text
    assert f"{test['cells']} cells of {test['patients']['all']} ALL (leukemic) and" in count_text(test)
    assert count_text(test) in text
    assert "so few that there is no 95 % interval" in text
    assert "python -m leukemia_tf.train --base scratch --data" in text
    assert "--image-size 60 --batch-size 8 --framing cell --stain-normalization none --epochs 2 --lr 0.003" in text


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


def test_the_card_is_in_the_form_of_hugging_face(tiny_run):
    _, front, body = tiny_run.card.read_text().split("---\n", 2)
    values = {key: json.loads(value) for key, _, value in (line.partition(": ") for line in front.splitlines())}
    assert values["pipeline_tag"] == "image-classification"
    (model,) = values["model-index"]
    scores = json.loads(tiny_run.metrics.read_text())["parts"]["test"]["cell"]
    found = {row["name"]: row["value"] for row in model["results"][0]["metrics"]}
    assert found["AUROC by patient"] == scores["auroc_by_patient"]["value"]
    assert "not for diagnosis" in body
    assert len(re.findall(r"^\|.*\|\n\|---", body, re.MULTILINE)) == 3, "each table has its head"
    assert format_score(scores["ece"]) in body


def test_cautions(tiny_run):
    metrics, settings = json.loads(tiny_run.metrics.read_text()), tiny_run.read_config()
    metrics["decision"]["temperature"] = 1.0
    metrics["caution"] = "CAUTION: split by image, patients leak"
    metrics["parts"]["test"]["cell"]["auroc"]["value"] = None
    settings["data"]["name"] = "embedded"
    settings["weights"]["source"] = "random"
    text = " ".join(cautions(metrics, settings))
    for words in ("patients leak", "phantom cells", "random weights", "so few", "lacks a class", "not calibrated"):
        assert words in text


def test_words_of_report_and_card(tiny_run, page):
    card = tiny_run.card.read_text()
    for text in (" ".join(page.text), card):
        assert "ALL (leukemic)" in text
        assert "HEM (normal)" in text
        assert not re.search(r"\b(told|asked|judged|bred|doubt|elsewhere)\b", text)
