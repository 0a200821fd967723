"""From a run's settings to its stages: presets, JSON lists, sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leukemia_tf.core.errors import ArgumentError, nearest
from leukemia_tf.training.learning import Layers, in_order, last_layers
from leukemia_tf.training.schedules import is_annealed
from leukemia_tf.training.stage_files import is_json, read_stages
from leukemia_tf.training.stages import (
    BLOCK_EPOCHS,
    FINE_TUNING_EPOCHS,
    FROM_SCRATCH_EPOCHS,
    HEAD_EPOCHS,
    PRESETS,
    Plan,
    Stage,
)

COUNTED = {"fine-tune-top": "blocks", "last-layers": "layers", "progressive": "blocks"}  # presets that a number follows
WITHOUT_NUMBER = ("feature-extraction", "progressive", "whole")
NO_LAYERS: Layers = MappingProxyType({})


def plan_stages(
    plan: Plan, blocks: Sequence[str], pretrained: Collection[str], layers: Layers = NO_LAYERS
) -> tuple[Stage, ...]:
    """Plan a training.

    Random blocks learn from the start: there is no frozen stage of random features. With no pretrained block every
    preset is one stage, in which everything learns.

    Parameters
    ----------
    plan : Plan
        The settings.
    blocks : sequence of str
        Names of the base's blocks, from input to output.
    pretrained : collection of str
        Those whose weights were loaded.
    layers : mapping
        As from `leukemia_tf.models.freezing.weighted_layers`; without it stages can name blocks alone.

    Returns
    -------
    tuple of Stage
        In order.

    Raises
    ------
    UserError
        If there is no such preset or file, or if a stage cannot be.
    """
    plan_all = read_stages if is_json(plan.stages) else _preset
    stages = plan_all(plan, blocks, pretrained, layers)
    if plan.sizes:
        stages = [
            replace(stage, name=f"{size} px: {stage.name}", image_size=size, epochs=min(epochs, plan.epochs or epochs))
            for size, epochs in plan.sizes
            for stage in stages
        ]
    return tuple(_numbered(stages))


def _numbered(stages: Iterable[Stage]) -> Iterator[Stage]:
    """Yield stages, those whose name was used before with a number."""
    uses: Counter[str] = Counter()
    for stage in stages:
        uses[stage.name] += 1
        yield replace(stage, name=f"{stage.name} ({uses[stage.name]})") if uses[stage.name] > 1 else stage


def check_stages(stages: str) -> tuple[str, int]:
    """Return what `stages` names: the preset, and the number that follows it; an empty name for a JSON list.

    Raises
    ------
    ArgumentError
        If there is no such preset or file.
    """
    kind, colon, number = stages.partition(":")
    if is_json(stages):
        if not stages.startswith("[") and not Path(stages).is_file():
            raise ArgumentError("stages", stages, "there is no such file.")
        return "", 0
    if kind in COUNTED and (colon or kind != "progressive"):
        if not number.isdecimal() or int(number) < 1:
            raise ArgumentError("stages", stages, f"it needs a number of {COUNTED[kind]}, as in `{kind}:1`.")
        return kind, int(number)
    if stages not in WITHOUT_NUMBER:
        raise ArgumentError("stages", stages, f"no such preset; {nearest(stages, PRESETS)} Or name a .json file.")
    return kind, 0


def _preset(plan: Plan, blocks: Sequence[str], pretrained: Collection[str], layers: Layers) -> list[Stage]:
    kind, top = check_stages(plan.stages)
    random = tuple(block for block in blocks if block not in pretrained)
    loaded = [block for block in blocks if block in pretrained]
    if not loaded:
        return [_stage(plan, "whole", random, plan.rate, FROM_SCRATCH_EPOCHS, schedule="cosine")]
    if plan.stages == "whole":
        return [_fine_tuning(plan, "whole", blocks)]
    stages = [_stage(plan, "head", random, plan.rate, HEAD_EPOCHS, schedule="cosine")]
    if kind == "last-layers":
        learning = in_order({*random, *last_layers(plan.stages, blocks, layers)}, blocks, layers)
        stages.append(_fine_tuning(plan, f"last {top} layers", learning))
    if kind in ("fine-tune-top", "progressive") and top > len(blocks):
        raise ArgumentError("stages", plan.stages, f"the base has {len(blocks)} blocks, {', '.join(blocks)}.")
    if kind == "fine-tune-top":
        stages.append(_fine_tuning(plan, f"top {top}", [b for b in blocks if b in random or b in blocks[-top:]]))
    if kind == "progressive":
        learning = random
        for block in list(reversed(loaded))[: top or None]:
            learning = (block, *learning)
            stages.append(_fine_tuning(plan, f"unfreeze {block}", learning, BLOCK_EPOCHS))
    return stages


def _stage(
    plan: Plan,
    name: str,
    learning: Sequence[str],
    rate: float,
    epochs: int,
    schedule: str = "constant",
) -> Stage:
    """Return a stage with the preset's defaults, where the plan says nothing else."""
    schedule = plan.schedule or schedule
    return Stage(
        name,
        tuple(learning),
        rate,
        plan.epochs or epochs,
        None if is_annealed(schedule) else plan.patience,
        schedule=schedule,
        layer_decay=plan.layer_decay,
        train_batchnorm=plan.train_batchnorm,
    )


def _fine_tuning(plan: Plan, name: str, learning: Sequence[str], epochs: int = FINE_TUNING_EPOCHS) -> Stage:
    return _stage(plan, name, learning, plan.fine_tuning_rate, epochs)


def as_records(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """Return stages as config.json and a JSON list of stages hold them."""
    return [asdict(stage) for stage in stages]


def parse_sizes(text: str | None) -> tuple[tuple[int, int], ...]:
    """Return `64x3,128x5` as ((64, 3), (128, 5)): sizes in pixels with their epochs.

    Raises
    ------
    ArgumentError
        If it is not written so.
    """
    pairs = []
    for part in (text or "").split(",") if text else ():
        size, _, epochs = part.strip().partition("x")
        if not size.isdecimal() or not epochs.isdecimal() or not int(size) or not int(epochs):
            raise ArgumentError("sizes", text, "it takes sizes with their epochs, as in `64x3,128x5,224x8`.")
        pairs.append((int(size), int(epochs)))
    return tuple(pairs)
