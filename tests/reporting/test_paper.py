"""What a paper needs of a page: files that open, tables that hold the page's texts, and a sentence with the numbers."""

import csv
import json
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from leukemia_tf.evaluation.scores import INTERVALS, count_text, format_score
from leukemia_tf.reporting.blocks import Page, Picture, Table, section
from leukemia_tf.reporting.paper import escape, latex, methods_sentence, write_paper

ROWS = [["a_1 & b", "0.5 [0.4, 0.6]"], ["50 %", "{x}\\y~z^#$"]]


@pytest.fixture
def page():
    figure = Figure((4, 3))
    figure.subplots().plot([0, 1], [1, 0])
    table = Table("scores", "The scores_of 2 patients.", ["name", "value"], ROWS, [("first & last", 2)])
    picture = Picture("roc", figure, "A curve.", "A curve that falls.")
    return Page("t", "n", "s", "h", "d", [section("one", "One", picture, table)])


def test_every_figure_and_table_is_written_in_every_form(page, tmp_path):
    written = write_paper(page, tmp_path / "paper", "A sentence.")
    assert {path.name for path in written} == {path.name for path in (tmp_path / "paper").iterdir()}
    assert {path.name for path in written} == {
        *("methods.txt", "roc.pdf", "roc.svg", "roc.png", "scores.csv", "scores.tex")
    }
    assert (tmp_path / "paper" / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (tmp_path / "paper" / "roc.svg").read_text()
    with Image.open(tmp_path / "paper" / "roc.png") as image:
        assert image.size == (1200, 900)
        assert np.round(image.info["dpi"]).tolist() == [300, 300]
    with (tmp_path / "paper" / "scores.csv").open() as stream:
        assert [list(row) for row in csv.reader(stream)] == [["name", "value"], *ROWS]
    assert (tmp_path / "paper" / "methods.txt").read_text() == "A sentence.\n"


def test_latex_has_no_special_character_left(page):
    text = latex(page.tables[0])
    body = re.sub(
        r"\\(begin|end)\{\w+\}(\{\w+\})?|\\(caption|label|multicolumn\{2\}\{l\})|\\hline|\\centering", "", text
    )
    plain = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}", "", body)
    assert not re.search(r"[%$#_~^]", plain)
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(len(re.findall(r"(?<!\\)&", line)) == 1 for line in rows if "multicolumn" not in line)
    assert text.count("{table}") == text.count("{tabular}") == 2
    assert escape("a\\b") == r"a\textbackslash{}b"


def test_the_sentence_states_protocol_patients_and_interval(tiny_run):
    metrics = json.loads(tiny_run.metrics.read_text())
    sentence, test = methods_sentence(metrics), metrics["parts"]["test"]
    assert "protocol: patient, seed 0" in sentence
    assert "no patient is in two parts" in sentence
    assert count_text(test) in sentence
    assert format_score(test["cell"]["auroc_by_patient"]) in sentence
    assert INTERVALS in sentence
    leaky = methods_sentence({**metrics, "protocol": "image"})
    assert "too high" in leaky
    assert "no patient is in two parts" not in leaky
