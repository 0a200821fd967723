"""The suggested learning rate beside the best of a grid, for five networks on real cells.

    python benchmarks/learning_rate.py [--networks resnet50-cut …]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared), at 96 pixels, not augmented, split by
patient (seed 0). The first stage of each network: its head on the frozen backbone, or a network from scratch. The range
test's suggestion, and the same stage trained at each rate of a grid, half a decade apart, for 10 epochs with a cosine
schedule. Losses are those of the last epoch, on the training cells and on the validation patients.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
from shared import use_shared

from leukemia_tf.config import Augmentation, TrainConfig
from leukemia_tf.models.freezing import weighted_layers
from leukemia_tf.training.setup import build_setup, read_training_cells
from leukemia_tf.training.stage_plans import plan_stages
from leukemia_tf.training.trainer import train_stages
from leukemia_tf.workflows.fit import training_job
from leukemia_tf.workflows.lrfind import range_test
from leukemia_tf.workflows.plan import plan_of
from leukemia_tf.workflows.resolve import resolve

NETWORKS = {
    "resnet50-cut": {"base": "resnet50", "drop_last_block": True},
    "vgg16-cut": {"base": "vgg16", "drop_last_block": True},
    "mobilenetv2": {"base": "mobilenetv2"},
    "squeezenet": {"base": "squeezenet"},
    "scratch": {"base": "scratch"},
}
GRID = [10 ** (-4.5 + step / 2) for step in range(7)]  # 3e-5 to 3e-2
SETTINGS = {"image_size": 96, "augment": Augmentation(dihedral=False), "inner_folds": 0, "epochs": 10}


def measure(name: str) -> dict[str, object]:
    """Return the suggested rate, and the training and the validation loss of each rate of the grid."""
    config = resolve(TrainConfig(**NETWORKS[name], **SETTINGS, schedule="cosine", stages="feature-extraction"))
    cells, losses, suggested = read_training_cells(config), {}, None
    for rate in (None, *GRID):
        keras.utils.clear_session()
        setup = build_setup(config, *cells)
        layers = weighted_layers(setup.network.model, setup.network.blocks)
        stages = plan_stages(plan_of(config, rate or 1e-3), list(layers), setup.network.pretrained, layers)
        if rate is None:
            suggested = range_test(config, setup, stages[0].learning).suggested
            continue
        with TemporaryDirectory() as folder:
            job = training_job(config, setup, Path(folder, "history.csv"), Path(folder, "states"), lambda *row: None)
            row = train_stages(job, stages)[-1]
            losses[rate] = (row["loss"], row["val_loss"])
    return {"suggested": suggested, "losses": losses}


def main() -> None:
    """Print the table and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    arguments = parser.parse_args()
    use_shared()
    results = {}
    print("| network | suggested | loss by rate: training, validation |\n|---|---|---|")
    for name in arguments.networks:
        row = results[name] = measure(name)
        shown = f"{row['suggested']:.2g}" if row["suggested"] else "none"
        losses = "; ".join(f"{rate:.2g}: {one:.3f}, {two:.3f}" for rate, (one, two) in row["losses"].items())
        print(f"| {name} | {shown} | {losses} |", flush=True)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
