"""README and docs/: pages in the navigation, names of the API reference, sentences that are short, whole intervals."""

import pydoc
import re
from pathlib import Path

import pytest
import yaml

DOCS = Path(__file__).resolve().parent.parent / "docs"
README = DOCS.parent / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
NO_PROSE = re.compile(r"^```.*?^```|<!--.*?-->|!\[[^\]]*\]\([^)]*\)", re.DOTALL | re.MULTILINE)
BREAK = re.compile(r"^(?:#|\||<|[-*] |\d+\. |$)")  # a line that begins another paragraph, or is none
LONGEST, MEAN = 60, 22  # words of a sentence, and on average over a page


def test_every_page_is_in_the_navigation():
    settings = yaml.safe_load((DOCS.parent / "mkdocs.yml").read_text())
    listed = [page for part in settings["nav"] for value in part.values() for page in as_list(value)]
    assert sorted(listed) == sorted([path.name for path in DOCS.glob("*.md")] + ["measured/README.md"])


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_names_of_the_api_reference():
    names = re.findall(r"^::: (\S+)$", (DOCS / "api.md").read_text(), re.MULTILINE)
    assert len(names) > 30
    assert [name for name in names if pydoc.locate(name) is None] == []


def sentences(text):
    """Return the sentences of a page's paragraphs and list items; tables, headings and code have none."""
    paragraphs = [""]
    for line in NO_PROSE.sub("", text).splitlines():
        bare = line.strip()
        if BREAK.match(bare):
            paragraphs.append("")
        if not bare.startswith(("#", "|", "<")):
            paragraphs[-1] += " " + re.sub(r"^(?:[-*]|\d+\.) ", "", bare)
    whole = (
        re.sub(r"\]\([^)]*\)|`[^`]*`|[\[*]", lambda part: "code" * part[0].startswith("`"), one) for one in paragraphs
    )
    return [found for one in whole for found in re.split(r"(?<=[.!?])\s+", one.strip()) if found]


def test_sentences_of_a_page():
    text = "# Title\n\nOne `a. b. c` and [two](x.md). Three\nfour five!\n\n| six. |\n- Seven.\n- Ten.\n\n```\nx.\n```\n"
    assert sentences(text) == ["One code and two.", "Three four five!", "Seven.", "Ten."]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(DOCS.parent).as_posix())
def test_sentences_are_short(path):
    found = sentences(path.read_text(encoding="utf-8"))
    lengths = [len(one.split()) for one in found]
    assert [one for one, length in zip(found, lengths) if length > LONGEST] == []
    assert sum(lengths) <= MEAN * len(found)


def test_an_interval_of_the_readme_stays_on_one_line():
    text = README.read_text(encoding="utf-8")
    assert len(re.findall(r"\d\u00a0\[[^\s\]]+,\u00a0[^\s\]]+\]", text)) > 5
    assert re.findall(r"\d\s\[[+-]?\d[^\]]*\]", re.sub("\u00a0", "~", text)) == []
