"""From what a run asks to its stages: presets, files, sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from leukemia_tf.errors import UserError, nearest
from leukemia_tf.training.stage_files import is_written, read_stages
from leukemia_tf.training.stages import (
    FINE_TUNING_EPOCHS,
    FINE_TUNING_PATIENCE,
    FROM_SCRATCH_EPOCHS,
    HEAD_EPOCHS,
    HEAD_PATIENCE,
    PRESETS,
    Plan,
    Stage,
)


def plan_stages(plan: Plan, blocks: Sequence[str], pretrained: Collection[str]) -> tuple[Stage, ...]:
    """Plan a training.

    Random blocks learn from the start: there is no frozen stage of random features. With no pretrained block every
    preset is one stage, in which everything learns.

    Parameters
    ----------
    plan : Plan
        What is asked.
    blocks : sequence of str
        Names of the base's blocks, from input to output.
    pretrained : collection of str
        Those whose weights were loaded.

    Returns
    -------
    tuple of Stage
        In order.

    Raises
    ------
    UserError
        If there is no such preset or file, or if the file asks for what cannot be.
    """
    stages = read_stages(plan, blocks, pretrained) if is_written(plan.stages) else _preset(plan, blocks, pretrained)
    if plan.sizes:
        stages = [
            replace(stage, name=f"{size} px: {stage.name}", image_size=size, epochs=min(epochs, plan.epochs or epochs))
            for size, epochs in plan.sizes
            for stage in stages
        ]
    return tuple(_named_apart(stages))


def _named_apart(stages: Sequence[Stage]) -> Iterator[Stage]:
    """Yield stages, those whose name has been before with a number."""
    seen = Counter()
    for stage in stages:
        seen[stage.name] += 1
        yield replace(stage, name=f"{stage.name} ({seen[stage.name]})") if seen[stage.name] > 1 else stage


def check_stages(stages: str) -> int:
    """Return how many blocks `fine-tune-top:N` names, else 0.

    Raises
    ------
    UserError
        If there is no such preset or file.
    """
    kind, colon, number = stages.partition(":")
    if is_written(stages):
        if not stages.startswith("[") and not Path(stages).is_file():
            raise UserError(f"--stages {stages}: there is no such file.")
    elif kind == "fine-tune-top":
        if not number.isdecimal() or int(number) < 1:
            raise UserError(f"--stages {stages}: it needs a number of blocks, as in `fine-tune-top:1`.")
        return int(number)
    elif stages not in PRESETS or colon:
        raise UserError(f"--stages {stages}: no such preset; {nearest(stages, PRESETS)} Or name a .json file.")
    return 0


def _preset(plan: Plan, blocks: Sequence[str], pretrained: Collection[str]) -> list[Stage]:
    top = check_stages(plan.stages)
    random = tuple(block for block in blocks if block not in pretrained)
    known = [block for block in blocks if block in pretrained]

    def stage(
        name: str,
        learning: Sequence[str],
        rate: float,
        epochs: int,
        patience: int,
        schedule: str = "constant",
        if_better: bool = False,
    ) -> Stage:
        own = {"schedule": plan.schedule or schedule, "layer_decay": plan.layer_decay, "if_better": if_better}
        return Stage(name, learning, rate, plan.epochs or epochs, plan.patience or patience, **own)

    if not known:
        most = plan.epochs or FROM_SCRATCH_EPOCHS
        return [stage("whole", random, plan.rate, most, max(5, most // 2))]
    tuned = (plan.fine_tuning_rate, FINE_TUNING_EPOCHS, FINE_TUNING_PATIENCE)
    if plan.stages == "whole":
        return [stage("whole", blocks, *tuned)]
    stages = [stage("head", random, plan.rate, HEAD_EPOCHS, HEAD_PATIENCE, schedule="cosine")]
    if top:
        if top > len(blocks):
            raise UserError(f"--stages {plan.stages}: the base has {len(blocks)} blocks, {', '.join(blocks)}.")
        stages.append(stage(f"top {top}", [b for b in blocks if b in random or b in blocks[-top:]], *tuned))
    if plan.stages == "progressive":
        learning = random
        for block in reversed(known):
            learning = (block, *learning)
            stages.append(stage(f"unfreeze {block}", learning, *tuned, if_better=len(stages) > 1))
    return stages


def as_records(stages: Sequence[Stage]) -> list[dict]:
    """Return stages as config.json and a `--stages` file hold them."""
    return [asdict(stage) for stage in stages]


def parse_sizes(text: str | None) -> tuple[tuple[int, int], ...]:
    """Return `64x3,128x5` as ((64, 3), (128, 5)): sizes in pixels with their epochs.

    Raises
    ------
    UserError
        If it is not written so.
    """
    pairs = []
    for part in (text or "").split(",") if text else ():
        size, _, epochs = part.strip().partition("x")
        if not size.isdecimal() or not epochs.isdecimal() or not int(size) or not int(epochs):
            raise UserError(f"--sizes {text}: it takes sizes with their epochs, as in `64x3,128x5,224x8`.")
        pairs.append((int(size), int(epochs)))
    return tuple(pairs)
