"""What a search may vary, by the names that `--over` takes, and what its values mean to `train`."""

from __future__ import annotations

from collections.abc import Sequence

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.models.head import HEADS
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
    """Return what is varied.

    Raises
    ------
    UserError
        If it is nothing, or unknown.
    """
    for name in names:
        if name not in SPACE:
            raise UserError(f"--over {name}: {nearest(name, SPACE)}")
    if not names:
        raise UserError(f"--over: the search space is empty; there are {', '.join(SPACE)}.")
    return {name: SPACE[name] for name in names}


def settings_of(values: dict[str, Value]) -> dict[str, object]:
    """Return the settings of `train` that a trial's values stand for."""
    found: dict[str, object] = {}
    for name, value in values.items():
        if name == "unfreeze":
            found["stages"] = f"fine-tune-top:{value}" if value else "feature-extraction"
        elif name == "augment":
            colours = COLOURS if value in ("colours", "both") else {}
            found["augment"] = {"dihedral": value in ("dihedral", "both"), **colours}
        else:
            found[name.replace("-", "_")] = value
    return found
