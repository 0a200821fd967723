"""`python -m leukemia_tf.models`: the table of networks."""

from __future__ import annotations

import json
from typing import Any

from leukemia_tf.cli import run_command
from leukemia_tf.config import ModelsConfig
from leukemia_tf.models.architecture import Architecture
from leukemia_tf.models.heads import HEADS
from leukemia_tf.models.table import ARCHITECTURES
from leukemia_tf.models.weights_search import local_weights


def describe(architecture: Architecture) -> dict[str, Any]:
    """Return a network's row of the table; `weights` is `here: FILE`, `download`, `convert` or `none`."""
    blocks = architecture.blocks
    whole, truncated = blocks[-1], blocks[-2 if len(blocks) > 1 else -1]
    return {
        "name": architecture.name,
        "parameters": architecture.parameters,
        "parameters_truncated": architecture.parameters_truncated,
        "image_size": architecture.image_size,
        "smallest_size": whole.smallest_size,
        "smallest_size_truncated": truncated.smallest_size,
        "blocks": [{"name": block.name, "last": block.last} for block in blocks],
        "cut": truncated.last,
        "scaling": architecture.scaling,
        "head": architecture.default_head(cut=False),
        "head_truncated": architecture.default_head(cut=True),
        "weights": _weights(architecture),
        "reference": architecture.reference,
    }


def _weights(architecture: Architecture) -> str:
    files = local_weights(architecture)
    if files:
        return f"here: {files[0]}"
    if not architecture.weights:
        return "none"
    return "convert" if architecture.converted else "download"


def print_models(config: ModelsConfig) -> None:
    """Print the table, or its rows as JSON."""
    records = [describe(architecture) for architecture in ARCHITECTURES.values()]
    if config.json:
        print(json.dumps(records, indent=2))
        return
    print(f"{'network':<17}{'parameters':>12}{'truncated':>12}{'pixels':>8}{'at least':>10}  {'weights':<10}blocks")
    for record in records:
        sizes = f"{record['smallest_size']}/{record['smallest_size_truncated']}"
        print(
            f"{record['name']:<17}{record['parameters']:>12,}{record['parameters_truncated']:>12,}"
            f"{record['image_size']:>8}{sizes:>10}  {record['weights'].partition(':')[0]:<10}"
            f"{' '.join(block['name'] for block in record['blocks'])}"
        )
    print("\nparameters: the base's, without a head; truncated: without its last block (--drop-last-block)")
    print("pixels: default side of the image; at least: its smallest side, whole/truncated")
    print("weights: here, to download, to convert (python -m leukemia_tf.convert_weights), or none")
    print(f"heads (--head): {', '.join(HEADS)}")


if __name__ == "__main__":
    run_command("models", ModelsConfig, print_models)
