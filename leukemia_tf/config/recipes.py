"""Recipes: settings of a training in a JSON file, with what they reproduce."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from leukemia_tf.config.studies import NoisyStudentConfig
from leukemia_tf.config.training import TrainConfig
from leukemia_tf.core.errors import ArgumentError, UserError, nearest

FOLDER = Path(__file__).parent.parent / "recipes"
COMMANDS: dict[str, type[TrainConfig]] = {"train": TrainConfig, "noisy_student": NoisyStudentConfig}
Config = TypeVar("Config", bound=TrainConfig)


def recipe_names() -> list[str]:
    """Return the names of the package's recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str) -> dict[str, Any]:
    """Read a recipe.

    Parameters
    ----------
    name : str
        One of `recipe_names`, or the path of a .json file.

    Returns
    -------
    dict
        `about` (what it reproduces, the command, the result), `command`, and `settings` of that command.

    Raises
    ------
    UserError
        If there is no such recipe, or if its command lacks one of its settings.
    """
    path = Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file():
        raise ArgumentError("recipe", name, f"no such recipe; {nearest(name, recipe_names())}")
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
        settings = dict(recipe["settings"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is not a recipe ({error}): it must hold `about` and `settings`.") from None
    command = recipe.get("command", "train")
    if command not in COMMANDS:
        raise UserError(f"{path} is a recipe of {command!r}: {nearest(str(command), COMMANDS)}")
    known = {field.name for field in fields(COMMANDS[command])} - {"recipe", "out", "resume", "refit"}
    for key in settings:
        if key not in known:
            raise UserError(f"{path}: {command} has no such setting as {key!r}; {nearest(key, known)}")
    if "contrast" in settings and "stain_normalization" not in settings:
        raise UserError(
            f"{path} sets `contrast` alone, which once decided on stain normalization too: add "
            '`"stain_normalization"`, "none" or "reinhard".'
        )
    if isinstance(settings.get("stages"), list):
        settings["stages"] = json.dumps(settings["stages"])
    return {"about": recipe.get("about", ""), "command": command, "settings": settings}


def from_recipe(
    name: str,
    kind: type[Config] = TrainConfig,  # type: ignore[assignment]  # mypy has no defaults for type variables
    **changes: Any,
) -> Config:
    """Return the settings of a recipe, with some changed.

    Parameters
    ----------
    name : str
        As for `read_recipe`.
    kind : type
        `TrainConfig`, or that of another command that trains.
    **changes
        Settings that replace the recipe's.

    Raises
    ------
    UserError
        See `read_recipe`.
    """
    recipe = read_recipe(name)
    if not issubclass(kind, COMMANDS[recipe["command"]]):
        raise ArgumentError("recipe", name, f"it is for `python -m leukemia_tf.{recipe['command']}`.")
    settings = {**recipe["settings"], "recipe": name, **changes}
    try:
        return kind(**settings)
    except TypeError as error:
        raise ArgumentError("recipe", name, f"{error}.") from None


def check_recipe(config: TrainConfig) -> None:
    """Stop if a recipe is named but none of its settings is in effect, as in `TrainConfig(recipe=…)`."""
    if not config.recipe:
        return
    defaults, settings = vars(type(config)()), vars(from_recipe(config.recipe, type(config)))
    differing = [name for name, value in settings.items() if name != "recipe" and value != defaults[name]]
    if differing and all(getattr(config, name) == defaults[name] for name in differing):
        problem = "none of its settings is in effect: use `leukemia_tf.recipes.from_recipe`."
        raise ArgumentError("recipe", config.recipe, problem)
