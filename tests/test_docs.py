"""The site of docs/: every page is in its navigation, and every name in its API reference exists."""

import pydoc
import re
from pathlib import Path

import yaml

DOCS = Path(__file__).resolve().parent.parent / "docs"


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
