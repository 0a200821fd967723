"""`python -m leukemia_tf.recipes`: the recipes that `train --recipe` takes."""

from __future__ import annotations

import json
import logging
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import zip_longest
from typing import Any

from leukemia_tf.cli import run_command
from leukemia_tf.config import RecipesConfig
from leukemia_tf.config.recipes import read_recipe, recipe_names
from leukemia_tf.config.settings import Augmentation, flag_word, mild_augmentation

log = logging.getLogger("leukemia_tf")

WIDTH = 110
COLUMNS = {"setting": 20, "value": 36, "source": 9, "note": 42}  # widths


def recipes(config: RecipesConfig | None = None) -> list[dict[str, Any]]:
    """List the recipes: `name`, `about`, `command`, `settings`, `sources`, `notes`; or only the one of that name."""
    config = config or RecipesConfig()
    names = recipe_names() if config.name is None else [config.name]
    records = [{"name": name, **read_recipe(name)} for name in names]
    if config.json:
        log.info("%s", json.dumps(records if config.name is None else records[0], indent=2))
        return records
    for record in records:
        below = _paragraph(" ".join(flags_of(record["settings"]))) if config.name is None else "\n".join(_table(record))
        log.info("%s\n%s\n\n%s\n", record["name"], _paragraph(record["about"]), below)
    return records


def _paragraph(text: str) -> str:
    return textwrap.indent(textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False), "    ")


def _table(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of one recipe's settings."""
    yield from _row(COLUMNS)
    for name, value in record["settings"].items():
        texts = _stages(value) if name == "stages" and value.startswith("[") else [_text(value)]
        yield from _row((name, "\n".join(texts), record["sources"][name], record["notes"].get(name, "")))
    yield ""
    yield "stated: the report's words; assumed: it leaves the setting open, or has what cannot be set (see the note)."
    yield "All other settings are the package's defaults."


def _row(texts: Any) -> Iterator[str]:
    """Yield the lines of one row, each text wrapped to its column."""
    wrapped = [
        [line for part in text.split("\n") for line in textwrap.wrap(part, width, subsequent_indent="  ") or [""]]
        for text, width in zip(texts, COLUMNS.values(), strict=True)
    ]
    for cells in zip_longest(*wrapped, fillvalue=""):
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, COLUMNS.values())).rstrip()


def _stages(text: str) -> list[str]:
    """Return a line for each stage."""
    return [
        f"{number}. " + ", ".join(f"{key} {_text(value)}" for key, value in stage.items())
        for number, stage in enumerate(json.loads(text), start=1)
    ]


def _text(value: Any) -> str:
    """Return a setting's value as a person writes it."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " ".join(_text(part) for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def flags_of(settings: Mapping[str, Any], group: str = "") -> Iterator[str]:
    """Yield settings as the flags of a command line."""
    for name, value in settings.items():
        flag = flag_word(name)
        if isinstance(value, dict):
            yield from flags_of(_changed(value), f"{flag}.")
        elif isinstance(value, bool):
            yield f"--{group}{flag}" if value else f"--{group}no-{flag}"
        else:
            values = value if isinstance(value, list) else [value]
            yield " ".join([f"--{group}{flag}", *(shlex.quote(str(part)) for part in values)])


def _changed(augment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an augmentation a flag must change: a recipe lists what is on, flags change the default."""
    given, default = asdict(Augmentation(**augment)), asdict(mild_augmentation())
    changed = {name: value for name, value in given.items() if value != default[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}


if __name__ == "__main__":
    run_command("recipes", RecipesConfig, recipes)
