"""The settings that a search can vary, and what a trial's values set in a `TrainConfig`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.models.heads import HEADS
from leukemia_tf.tuning.search import Range, Value

SPACE = {
    "dropout": Range(0.1, 0.7),
    "lr": Range(1e-6, 1e-2, log=True),
    "weight-decay": Range(0.01, 0.8, log=True),
    "head": Range(choices=tuple(HEADS)),
    "unfreeze": Range(choices=(0, 1, 2, 3)),
    "augment": Range(choices=("none", "dihedral", "colours", "both")),
    "framing": Range(choices=("fixed", "cell", "tight")),
}
COLOURS = {"stain": (1.0, 0.1), "brightness": (0.5, 0.05), "contrast": (0.5, 0.1)}


def space_of(names: Sequence[str]) -> dict[str, Range]:
    """Return the ranges of the named settings.

    Raises
    ------
    ArgumentError
        If a name is unknown, or there is none.
    """
    for name in names:
        if name not in SPACE:
            raise ArgumentError("over", name, f"no such setting; {nearest(name, SPACE)}")
    if not names:
        raise ArgumentError("over", names, f"the search space is empty; there are {', '.join(SPACE)}.")
    return {name: SPACE[name] for name in names}


def settings_of(values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the fields of a `TrainConfig` for a trial's values."""
    settings: dict[str, Any] = {}
    for name, value in values.items():
        if name == "unfreeze":
            settings["stages"] = f"fine-tune-top:{value}" if value else "feature-extraction"
        elif name == "augment":
            colours = COLOURS if value in ("colours", "both") else {}
            settings["augment"] = {"dihedral": value in ("dihedral", "both"), **colours}
        else:
            settings[name.replace("-", "_")] = value
    return settings
