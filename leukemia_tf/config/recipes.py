"""Recipes: settings of a training in a JSON file, with what they reproduce."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from leukemia_tf.config.settings import Augmentation
from leukemia_tf.config.studies import NoisyStudentConfig
from leukemia_tf.config.training import TrainConfig
from leukemia_tf.core.errors import ArgumentError, UserError, nearest

FOLDER = Path(__file__).parent.parent / "recipes"
PARTS = ("stated", "assumed", "settings")  # where a recipe's settings stand; those under `settings` say not which
NOT_IN_RECIPES = {"recipe", "out", "resume", "refit"}
COMMANDS: dict[str, type[TrainConfig]] = {"train": TrainConfig, "noisy_student": NoisyStudentConfig}
Config = TypeVar("Config", bound=TrainConfig)


def recipe_names() -> list[str]:
    """Return the names of the package's recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_recipe(name: str) -> dict[str, Any]:
    """Read a recipe.

    A file holds `about`, `command` (`train` if it is left out) and the settings: under `stated` what a report states,
    under `assumed` what it leaves open, under `settings` what is no report's. `notes` holds a sentence for some.

    Parameters
    ----------
    name : str
        One of `recipe_names`, or the path of a .json file.

    Returns
    -------
    dict
        `about` (what it reproduces, the command, the result), `command`, `settings` of that command, `sources` (by
        setting: `stated`, `assumed` or empty) and `notes` (by setting).

    Raises
    ------
    UserError
        If there is no such recipe, if its command lacks one of its settings, or if a setting stands there twice.
    """
    path = Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"
    if not path.is_file():
        raise ArgumentError("recipe", name, f"no such recipe; {nearest(name, recipe_names())}")
    recipe = _content(path)
    command = recipe.get("command", "train")
    if command not in COMMANDS:
        raise UserError(f"{path} is a recipe of {command!r}: {nearest(str(command), COMMANDS)}")
    settings: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for part in PARTS:
        for key in recipe.get(part, {}):
            if key in settings:
                raise UserError(f"{path}: {key!r} stands under `{sources[key] or PARTS[-1]}` and under `{part}`.")
            sources[key] = "" if part == PARTS[-1] else part
        settings |= recipe.get(part, {})
    _check_names(path, command, settings, recipe.get("notes", {}))
    if isinstance(settings.get("stages"), list):
        settings["stages"] = json.dumps(settings["stages"])
    notes = recipe.get("notes", {})
    return {
        "about": recipe.get("about", ""),
        "command": command,
        "settings": settings,
        "sources": sources,
        "notes": notes,
    }


def _content(path: Path) -> dict[str, Any]:
    """Return what a recipe's file holds, if it has the form of one."""
    known, problem = ("about", "command", *PARTS, "notes"), "it must hold `about` and `settings`"
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not a recipe ({error}): {problem}.") from None
    if not isinstance(recipe, dict) or not set(PARTS) & set(recipe):
        raise UserError(f"{path} is not a recipe: {problem}.")
    for key, value in recipe.items():
        if key not in known:
            raise UserError(f"{path}: a recipe has no {key!r}; {nearest(key, known)}")
        if key in (*PARTS, "notes") and not isinstance(value, dict):
            raise UserError(f"{path} is not a recipe: `{key}` must hold names with their values.")
    return recipe


def _check_names(path: Path, command: str, settings: dict[str, Any], notes: dict[str, str]) -> None:
    """Stop at a setting that the command does not have, and at a note on a setting that is not there."""
    known = {field.name for field in fields(COMMANDS[command])} - NOT_IN_RECIPES
    augment = settings.get("augment")
    transforms = {f"augment.{field.name}" for field in fields(Augmentation)}
    for key in [*settings, *(f"augment.{name}" for name in augment or ())]:
        names = transforms if key.startswith("augment.") else known
        if key not in names:
            raise UserError(f"{path}: {command} has no such setting as {key!r}; {nearest(key, names)}")
    for key in notes:
        if key not in settings:
            raise UserError(f"{path}: a note on {key!r}, which is not among the settings; {nearest(key, settings)}")
    if "contrast" in settings and "stain_normalization" not in settings:
        raise UserError(
            f"{path} sets `contrast` alone, which once decided on stain normalization too: add "
            '`"stain_normalization"`, "none" or "reinhard".'
        )


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
