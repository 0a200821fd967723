"""summary.txt: every layer of a network with its parameters and the stages in which it is trainable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

from leukemia_tf.core.files import write_atomically
from leukemia_tf.models.freezing import set_trainable
from leukemia_tf.models.pretrained import Network
from leukemia_tf.training.stages import Stage

TITLES = ("layer", "class", "output shape", "parameters", "trainable in stage")
TO_THE_RIGHT = TITLES.index("parameters")


def write_summary(path: Path, network: Network, stages: Sequence[Stage]) -> Path:
    """Write a line a layer, then the totals; the network's `trainable` flags are left as the last stage sets them.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    network : Network
        At the run's image size.
    stages : sequence of Stage
        In order; they are numbered from 1.
    """
    trainable = [_trainable_layers(network, stage) for stage in stages]
    lines = [*_layer_lines(network.model, trainable), "", f"parameters: {network.model.count_params():,}"]
    for number, (stage, counts) in enumerate(zip(stages, trainable), start=1):
        lines.append(f"trainable in stage {number}, {stage.name}: {sum(counts.values()):,}")
    return write_atomically(path, lambda scratch: scratch.write_text("\n".join(lines) + "\n", encoding="utf-8"))


def _trainable_layers(network: Network, stage: Stage) -> dict[str, int]:
    """Return the layers that a stage trains, each with the number of its trainable parameters."""
    set_trainable(network.model, network.blocks, stage.learning, network.pretrained)
    counts = {
        layer.name: sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)
        for layer in network.model.layers
    }
    return {name: count for name, count in counts.items() if count}


def _layer_lines(model: keras.Model, trainable: Sequence[Mapping[str, int]]) -> list[str]:
    rows = [TITLES]
    for layer in model.layers:
        numbers = [number for number, names in enumerate(trainable, start=1) if layer.name in names]
        parameters = f"{layer.count_params():,}"
        rows.append((layer.name, type(layer).__name__, _shape_text(layer), parameters, _ranges(numbers)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(TITLES))]
    return [_aligned(row, widths) for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        text.rjust(width) if column == TO_THE_RIGHT else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths))
    )
    return "  ".join(cells).rstrip()


def _shape_text(layer: keras.layers.Layer) -> str:
    """Return the shape of a layer's output without the batch, as `56 x 56 x 64`."""
    output = layer.output[0] if isinstance(layer.output, (list, tuple)) else layer.output
    return " x ".join("?" if side is None else str(side) for side in output.shape[1:])


def _ranges(numbers: Sequence[int]) -> str:
    """Return 1, 3, 4, 5 as `1, 3-5`; nothing as `-`."""
    texts: list[str] = []
    for number in numbers:
        if number - 1 not in numbers:
            texts.append(str(number))
        elif number + 1 not in numbers:
            texts[-1] += f"-{number}"
    return ", ".join(texts) or "-"
