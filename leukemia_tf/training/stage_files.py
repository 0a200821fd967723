"""Stages as a JSON list, in a file or as the text itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from leukemia_tf.core.errors import UserError, nearest
from leukemia_tf.training.schedules import is_annealed
from leukemia_tf.training.stages import FINE_TUNING_EPOCHS, HEAD_EPOCHS, Plan, Stage


def is_json(stages: str) -> bool:
    """Return whether stages are a JSON list, in a file or as the text itself, rather than a preset."""
    return stages.endswith(".json") or stages.startswith("[")


def read_stages(plan: Plan, blocks: Sequence[str], pretrained: Collection[str]) -> list[Stage]:
    """Read a JSON list of stages; what a stage leaves out follows from the plan.

    Raises
    ------
    UserError
        If it is no such list, or if a stage names what there is not.
    """
    is_text = plan.stages.startswith("[")
    where = "`stages`" if is_text else plan.stages
    try:
        records = json.loads(plan.stages if is_text else Path(plan.stages).read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{where} is not JSON: {error}.") from None
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise UserError(f'{where}: it must hold a list of stages, such as [{{"learning": 1, "epochs": 5}}].')
    return [
        _stage(where, f"stage {number}", record, plan, blocks, pretrained)
        for number, record in enumerate(records, start=1)
    ]


def _stage(
    source: str,
    name: str,
    record: Mapping[str, Any],
    plan: Plan,
    blocks: Sequence[str],
    pretrained: Collection[str],
) -> Stage:
    where = f"{source}, {name}"
    known = [field.name for field in fields(Stage)]
    if "if_better" in record:
        raise UserError(f"{where}: `if_better` is no setting any more, every stage runs: leave it out; see `keep`.")
    for key in record:
        if key not in known:
            raise UserError(f"{where}: no such setting as {key!r}; {nearest(key, known)}")
    learning = _blocks(where, record.get("learning", 0), blocks)
    tuned = bool(set(learning) & set(pretrained))
    defaults = {
        "name": name,
        "learning_rate": plan.fine_tuning_rate if tuned else plan.rate,
        "epochs": FINE_TUNING_EPOCHS if tuned else HEAD_EPOCHS,
        "schedule": plan.schedule or "constant",
        "layer_decay": plan.layer_decay,
    }
    try:
        stage = Stage(**{**defaults, **record, "learning": learning})
    except (TypeError, AttributeError) as error:
        raise UserError(f"{where}: {error}.") from None
    if "patience" not in record and not is_annealed(stage.schedule):
        stage = replace(stage, patience=plan.patience)
    return replace(stage, epochs=min(stage.epochs, plan.epochs)) if plan.epochs else stage


def _blocks(where: str, received: Any, blocks: Sequence[str]) -> tuple[str, ...]:
    """Return the blocks that a stage names: how many of the last ones, `all`, or their names."""
    if received == "all":
        return tuple(blocks)
    if isinstance(received, int) and 0 <= received <= len(blocks):
        return tuple(blocks[len(blocks) - received :])
    if not isinstance(received, list):
        raise UserError(
            f'{where}: learning takes 0 to {len(blocks)}, "all", or a list of blocks. Received: {received!r}'
        )
    for name in received:
        if name not in blocks:
            raise UserError(f"{where}: no such block as {name!r}; {nearest(str(name), blocks)}")
    return tuple(block for block in blocks if block in received)
