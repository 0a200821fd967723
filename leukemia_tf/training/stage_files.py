"""Stages as a JSON list, in a file or as the text itself."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from leukemia_tf.core.errors import UserError, nearest
from leukemia_tf.training.learning import Layers, fine_tunes, named_parts
from leukemia_tf.training.schedules import is_annealed
from leukemia_tf.training.stages import FINE_TUNING_EPOCHS, HEAD_EPOCHS, Plan, Stage


def is_json(stages: str) -> bool:
    """Return whether stages are a JSON list, in a file or as the text itself, rather than a preset."""
    return stages.endswith(".json") or stages.startswith("[")


def read_stages(plan: Plan, blocks: Sequence[str], pretrained: Collection[str], layers: Layers) -> list[Stage]:
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
        _stage(where, f"stage {number}", record, plan, blocks, pretrained, layers)
        for number, record in enumerate(records, start=1)
    ]


def _stage(
    source: str,
    name: str,
    record: Mapping[str, Any],
    plan: Plan,
    blocks: Sequence[str],
    pretrained: Collection[str],
    layers: Layers,
) -> Stage:
    where = f"{source}, {name}"
    known = [field.name for field in fields(Stage)]
    if "if_better" in record:
        raise UserError(f"{where}: `if_better` is no setting any more, every stage runs: leave it out; see `keep`.")
    for key in record:
        if key not in known:
            raise UserError(f"{where}: no such setting as {key!r}; {nearest(key, known)}")
    try:
        learning = named_parts(record.get("learning", 0), blocks, layers)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    tuned = fine_tunes(learning, pretrained, layers)
    defaults = {
        "name": name,
        "learning_rate": plan.fine_tuning_rate if tuned else plan.rate,
        "epochs": FINE_TUNING_EPOCHS if tuned else HEAD_EPOCHS,
        "schedule": plan.schedule or "constant",
        "layer_decay": plan.layer_decay,
        "train_batchnorm": plan.train_batchnorm,
    }
    try:
        stage = Stage(**{**defaults, **record, "learning": learning})
    except (TypeError, AttributeError) as error:
        raise UserError(f"{where}: {error}.") from None
    if "patience" not in record and not is_annealed(stage.schedule):
        stage = replace(stage, patience=plan.patience)
    return replace(stage, epochs=min(stage.epochs, plan.epochs)) if plan.epochs else stage
