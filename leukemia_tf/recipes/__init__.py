"""Recipes: settings of `train` in a file, each of which says what it reproduces."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from leukemia_tf.config import NoisyStudentConfig, TrainConfig
from leukemia_tf.errors import UserError, nearest

FOLDER = Path(__file__).parent
COMMANDS = {"train": TrainConfig, "noisy_student": NoisyStudentConfig}  # that have recipes of their own


def recipe_names() -> list[str]:
    """Return the names that `--recipe` takes."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str) -> dict:
    """Read a recipe.

    Parameters
    ----------
    name : str
        One of `recipe_names`, or the path of a file of your own.

    Returns
    -------
    dict
        `about` (what it reproduces, the command, the result), `command`, and `settings` of that command.

    Raises
    ------
    UserError
        If there is no such recipe, or if it asks for what its command does not know.
    """
    path = Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file():
        raise UserError(f"--recipe {name}: no such recipe; {nearest(name, recipe_names())}")
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
        settings = dict(recipe["settings"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is no recipe ({error}): it must hold `about` and `settings`.") from None
    command = recipe.get("command", "train")
    if command not in COMMANDS:
        raise UserError(f"{path} is a recipe of {command!r}: {nearest(str(command), COMMANDS)}")
    known = {field.name for field in fields(COMMANDS[command])} - {"recipe", "out", "resume", "refit"}
    for key in settings:
        if key not in known:
            raise UserError(f"{path}: {command} has no such setting as {key!r}; {nearest(key, known)}")
    if isinstance(settings.get("stages"), list):
        settings["stages"] = json.dumps(settings["stages"])
    return {"about": recipe.get("about", ""), "command": command, "settings": settings}


def from_recipe(name: str, kind: type[TrainConfig] = TrainConfig, **changes: object) -> TrainConfig:
    """Return the settings of a recipe, with some changed; of `train`, or of a command that takes its flags too.

    Raises
    ------
    UserError
        See `read_recipe`.
    """
    recipe = read_recipe(name)
    if not issubclass(kind, COMMANDS[recipe["command"]]):
        raise UserError(f"--recipe {name}: it is one of `python -m leukemia_tf.{recipe['command']}`.")
    try:
        return kind(**{**recipe["settings"], "recipe": name, **changes})
    except TypeError as error:
        raise UserError(f"--recipe {name}: {error}.") from None


def recipe_asked(arguments: Sequence[str], kind: type[TrainConfig] = TrainConfig) -> TrainConfig | None:
    """Return the settings of the recipe that a command line names, on which its other flags are put; None without."""
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag == "--recipe":
            name = value if equals else "".join(arguments[place + 1 : place + 2])
            return from_recipe(name, kind)
    return None


def check_recipe(config: TrainConfig) -> None:
    """Stop if a recipe is named but nothing of it is in effect, as `TrainConfig(recipe=…)` would have it."""
    if not config.recipe:
        return
    plain, wanted = vars(type(config)()), vars(from_recipe(config.recipe, type(config)))
    differing = [name for name, value in wanted.items() if name != "recipe" and value != plain[name]]
    if differing and all(getattr(config, name) == plain[name] for name in differing):
        raise UserError(
            f"recipe {config.recipe!r} is named, but none of its settings: use `leukemia_tf.recipes.from_recipe`."
        )
