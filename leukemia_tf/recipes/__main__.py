"""`python -m leukemia_tf.recipes`: what `train --recipe` takes."""

from __future__ import annotations

import json
import logging
import textwrap

from leukemia_tf.cli import run_command
from leukemia_tf.config import RecipesConfig
from leukemia_tf.recipes import read_recipe, recipe_names

log = logging.getLogger("leukemia_tf")


def recipes(config: RecipesConfig | None = None) -> list[dict]:
    """List the recipes: `name`, `about`, `settings`."""
    config = config or RecipesConfig()
    records = [{"name": name, **read_recipe(name)} for name in recipe_names()]
    if config.json:
        log.info("%s", json.dumps(records, indent=2))
        return records
    for record in records:
        flags = " ".join(f"--{key.replace('_', '-')} {_flag(value)}" for key, value in record["settings"].items())
        log.info(
            "%s\n%s\n%s\n",
            record["name"],
            *(textwrap.indent(textwrap.fill(t, 100), "    ") for t in (record["about"], flags)),
        )
    return records


def _flag(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    run_command("recipes", RecipesConfig, recipes)
