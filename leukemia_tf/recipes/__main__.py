"""`python -m leukemia_tf.recipes`: the recipes that `train --recipe` takes."""

from __future__ import annotations

import json
import logging
import shlex
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from leukemia_tf.cli import run_command
from leukemia_tf.config import RecipesConfig
from leukemia_tf.config.recipes import read_recipe, recipe_names

log = logging.getLogger("leukemia_tf")


def recipes(config: RecipesConfig | None = None) -> list[dict[str, Any]]:
    """List the recipes: `name`, `about`, `settings`."""
    config = config or RecipesConfig()
    records = [{"name": name, **read_recipe(name)} for name in recipe_names()]
    if config.json:
        log.info("%s", json.dumps(records, indent=2))
        return records
    for record in records:
        texts = (record["about"], " ".join(flags_of(record["settings"])))
        filled = (textwrap.fill(text, 110, break_on_hyphens=False, break_long_words=False) for text in texts)
        log.info("%s\n%s\n\n%s\n", record["name"], *(textwrap.indent(text, "    ") for text in filled))
    return records


def flags_of(settings: Mapping[str, Any], group: str = "") -> Iterator[str]:
    """Yield settings as the flags of a command line."""
    for name, value in settings.items():
        flag = name.replace("_", "-")
        if isinstance(value, dict):
            yield from flags_of(value, f"{flag}.")
        elif isinstance(value, bool) and not group:  # in a group a switch takes a value, since it may be undecided
            yield f"--{flag}" if value else f"--no-{flag}"
        else:
            values = value if isinstance(value, list) else [value]
            yield " ".join([f"--{group}{flag}", *(shlex.quote(str(part)) for part in values)])


if __name__ == "__main__":
    run_command("recipes", RecipesConfig, recipes)
