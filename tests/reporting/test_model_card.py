"""MODEL_CARD.md: it can be followed as it stands, and its front matter is what a model hub reads."""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from leukemia_tf.core.version import __version__
from leukemia_tf.evaluation.predictions import read_predictions
from leukemia_tf.evaluation.scores import format_score
from leukemia_tf.reporting.card import front_matter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def parts(tiny_run):
    """Front matter and text of a card."""
    _, front, body = tiny_run.card.read_text().split("---\n", 2)
    return yaml.safe_load(front), body


@pytest.fixture
def record(tiny_run):
    """Metrics and settings of a run on cells that are not the embedded ones."""
    return json.loads(tiny_run.metrics.read_text()), tiny_run.read_config()


def read(metrics, settings):
    text = "".join(f"{key}: {value}\n" for key, value in front_matter(metrics, settings).items())
    return yaml.safe_load(text)


def test_the_front_matter_is_that_of_hugging_face(tiny_run, parts):
    front, body = parts
    assert front["pipeline_tag"] == "image-classification"
    (model,) = front["model-index"]
    (result,) = model["results"]
    assert isinstance(model["name"], str)
    assert result["task"] == {"type": "image-classification"}
    assert {"name", "type"} <= set(result["dataset"])
    scores = json.loads(tiny_run.metrics.read_text())["parts"]["test"]["cell"]
    assert {row["name"]: row["value"] for row in result["metrics"]} == {
        "AUROC by patient": scores["auroc_by_patient"]["value"],
        "AUROC over cells": scores["auroc"]["value"],
        "weighted F1 over cells": scores["weighted_f1"]["value"],
    }
    assert all(row["type"] in front["metrics"] for row in result["metrics"])
    assert format_score(scores["ece"]) in body


def test_the_licence_is_the_users_to_state(parts):
    front, body = parts
    assert "license" not in front
    assert "state the licence of your data and of these weights here" in " ".join(body.split())


def test_scores_that_mislead_are_not_published(record):
    metrics, settings = record
    assert "model-index" in read(metrics, settings)
    assert "model-index" not in read({**metrics, "data": "embedded"}, settings)
    assert "model-index" not in read(metrics, {**settings, "data": {"name": "embedded"}})
    assert "model-index" not in read({**metrics, "protocol": "image"}, settings)


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_undefined_scores_are_left_out(record, missing):
    metrics, settings = copy.deepcopy(record)
    cell = metrics["parts"]["test"]["cell"]
    cell["weighted_f1"] |= {"low": missing, "high": missing}
    cell["auroc"]["value"] = missing
    (model,) = read(metrics, settings)["model-index"]
    assert [row["name"] for row in model["results"][0]["metrics"]] == ["AUROC by patient", "weighted F1 over cells"]
    for name in ("auroc_by_patient", "weighted_f1"):
        cell[name]["value"] = missing
    assert not {"model-index", "metrics"} & set(read(metrics, settings))


def test_the_three_lines_run(tiny_run, parts, tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", parts[1], re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 3
    row = read_predictions(tiny_run.predictions("test"))[0]
    shutil.copy(tiny_run.model, tmp_path)
    shutil.copy(tiny_run.data / row.path, tmp_path / "cell.bmp")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (probability,) = re.findall(r"probability=([\d.]+)", done.stdout)
    assert float(probability) == pytest.approx(row.probability, abs=1e-5)
    assert f"prediction='{row.prediction}'" in done.stdout


def test_the_citation_is_that_of_the_citation_file(parts):
    text = re.sub(r"[{}*]", "", " ".join(parts[1].split()))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    assert f"title = {citation['title']}, version = {citation['version']}" in text
    assert f"author = {citation['authors'][0]['name']}" in text
    for reference in citation["references"]:
        assert reference["title"] in text
        assert str(reference["year"]) in text
        assert reference.get("doi", "") in text
        for author in reference["authors"]:
            assert f"{author['given-names']} {author['family-names']}" in text


def test_what_a_stranger_looks_for(tiny_run, parts):
    body = parts[1]
    headings = re.findall(r"^## (.*)$", body, re.MULTILINE)
    assert headings == [
        *("Model Details", "Uses", "Bias, Risks, and Limitations", "How to Get Started with the Model"),
        *("Training Details", "Evaluation", "Technical Specifications", "Citation"),
    ]
    assert "### Direct Use" in body
    assert "### Out-of-Scope Use" in body
    assert "not for diagnosis" in body
    tables = re.findall(r"^\|.*\|\n\|(?:---\|)+\n\|.*\|$", body, re.MULTILINE)
    assert len(tables) == 3, "each table has its head, and rows below"
    assert not re.search(r"\n\n\n|\{\{|\}\}(?!,)|\{%", body.replace("{{The leukemia_tf authors}}", ""))
    assert str(tiny_run.path.parent) not in tiny_run.card.read_text()
