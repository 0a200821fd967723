"""Settings written by an earlier version, under the names of this one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def upgraded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of config.json with the settings under `asked` and `train` renamed for this version.

    `contrast: stain` became `stain_normalization: reinhard`, `balance: main-report` became `mean`, and `head: texture`
    became `multi-depth`, which reads other depths. `labels` of `noisy_student`
    became `targets`. Stages have no `if_better` any more.
    """
    changed: dict[str, Any] = {
        key: _training_settings(value) if key in ("asked", "train") and isinstance(value, Mapping) else value
        for key, value in settings.items()
    }
    if "stages" in changed:
        changed["stages"] = [_without(stage, "if_better") for stage in changed["stages"]]
    return changed


def _without(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != name}


def _training_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(settings)
    if "contrast" in changed and "stain_normalization" not in changed:
        stain = changed["contrast"] == "stain"
        changed["stain_normalization"] = "reinhard" if stain else "none"
        changed["contrast"] = "none" if stain else changed["contrast"]
    if changed.get("balance") == "main-report":
        changed["balance"] = "mean"
    if changed.get("head") == "texture":
        changed["head"] = "multi-depth"
    if changed.get("labels") in ("soft", "hard"):
        changed["targets"] = changed.pop("labels")
    return changed
