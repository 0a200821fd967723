"""Training against plain Keras on the same base: the frozen stage, and the way to the best validation score.

    python benchmarks/training.py [--image-size 224] [--only frozen|whole]

Cells from LEUKEMIA_TF_DATA, weights from LEUKEMIA_TF_WEIGHTS (else ../shared, else the phantom cells and random
weights), the default split of seed 0. Plain Keras is `keras.applications.ResNet50` up to `conv4_block6_out`, mean
pooling, 256 units, dropout, one unit; prepared cells in memory, `fit` with validation after each epoch.

Frozen stage: 10 epochs of Adam 1e-3 with the base frozen, both without augmentation, both with balanced class weights,
ours without cached features; the time of plain Keras over the time after which ours had reached the lowest validation
loss of plain Keras.

Share of the time that steps wait for cells: of an unfrozen epoch at 112 pixels, the largest load per step.

Whole recipe: the default (`python -m leukemia_tf.train --base resnet50 --drop-last-block`) against plain fine-tuning of
all layers at 1e-5 at the recipe's image size for 4 epochs: the time until each had its final weights, here as the
recipe says, there the best `val_auroc_by_patient`; ours over plain.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from plain import plain_fit
from shared import use_shared

from leukemia_tf.config import Augmentation, TrainConfig
from leukemia_tf.core.files import read_csv
from leukemia_tf.data.balance import cell_weights
from leukemia_tf.data.prepare import Prepared, prepare_cells
from leukemia_tf.data.source import Source, find_source
from leukemia_tf.evaluation.metrics import all_metrics
from leukemia_tf.models.table import find_architecture
from leukemia_tf.training.devices import prepare_devices
from leukemia_tf.training.examples import Examples
from leukemia_tf.training.history import kept_row
from leukemia_tf.training.inputs import make_inputs
from leukemia_tf.training.optimizers import build_loss, build_optimizer
from leukemia_tf.training.settings import resolve_optimization, resolve_sampling
from leukemia_tf.training.setup import TrainingSetup, build_setup
from leukemia_tf.training.stages import Stage
from leukemia_tf.training.trainer import train_stages
from leukemia_tf.workflows.fit import training_job
from leukemia_tf.workflows.train import train

EPOCHS, FINE_TUNING_EPOCHS = 10, 4
PLAIN = TrainConfig(
    base="resnet50", drop_last_block=True, head="dense256", balance="class-weight", augment=Augmentation(dihedral=False)
)


class Clock(keras.callbacks.Callback):
    """Notes the time and the validation after each epoch."""

    def __init__(self, val: Examples) -> None:
        super().__init__()
        self.val, self.began, self.rows = val, time.perf_counter(), []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Validate."""
        p = self.model.predict(self.val.cells.array, verbose=0)[:, 0].astype(float)
        score = float(all_metrics(self.val.labels, p, self.val.patients)["auroc_by_patient"][0])
        clipped = np.clip(p, 1e-7, 1 - 1e-7)
        loss = -np.mean(np.where(self.val.labels == 1, np.log(clipped), np.log(1 - clipped)))
        self.rows.append((time.perf_counter() - self.began, float(loss), score))


def plain_epochs(train: Examples, val: Examples, trainable: bool, rate: float, epochs: int) -> list[tuple]:
    """Train in plain Keras; return (seconds since the start, loss, score) of each epoch's validation."""
    clock = Clock(val)
    weights = cell_weights(train.labels, train.patients, resolve_sampling(PLAIN))
    plain_fit(train.cells.array, train.labels, weights, trainable, rate, epochs, (clock,))
    return clock.rows


def our_fit(setup: TrainingSetup, train: Examples, val: Examples, epochs: int) -> list[tuple]:
    """Train the frozen stage here, without cached features; return as `plain_epochs`."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEUKEMIA_TF_CACHE"] = folder
        began, rows = time.perf_counter(), []

        def note(row: dict, losses: list[float]) -> None:
            rows.append((time.perf_counter() - began, row["val_loss"], row["val_auroc_by_patient"]))

        job = training_job(PLAIN, setup, Path(folder, "history.csv"), Path(folder, "states"), note)
        job = replace(job, examples=lambda part, size: {"train": train, "val": val}[part])
        train_stages(job, [Stage("head", (), 1e-3, epochs)])
    return rows


def stall_share(config: TrainConfig, source: Source, prepared: Prepared) -> float:
    """Return the share of an epoch's time that its steps wait for cells, every block trained, at 112 pixels."""
    config = replace(config, image_size=112)
    setup = build_setup(config, find_architecture(config.base), source, prepared)
    load = setup.examples()
    parts = [load(part, 112) for part in ("train", "val")]
    inputs = make_inputs(setup.network.model, *parts, resolve_sampling(TrainConfig()), 32, 0, cache_features=False)
    inputs.trainer.compile(
        build_optimizer(resolve_optimization(config), 1e-5, {}), build_loss(resolve_optimization(config))
    )
    waited, began = 0.0, 0.0
    for number, epoch in enumerate((0, 1)):
        batches, began, waited = iter(inputs.training(epoch, 0)), time.perf_counter(), 0.0
        while True:
            started = time.perf_counter()
            batch = next(batches, None)
            waited += time.perf_counter() - started
            if batch is None:
                break
            inputs.trainer.train_on_batch(*batch)
        print(f"epoch {number + 1} at 112 px: {waited / (time.perf_counter() - began):.1%} of the time spent waiting")
    return waited / (time.perf_counter() - began)


def frozen_stage(config: TrainConfig, source: Source, prepared: Prepared) -> dict[str, float]:
    """Return how much faster the frozen stage is, and the share of the time that steps wait."""
    setup = build_setup(config, find_architecture("resnet50"), source, prepared)
    load = setup.examples()
    parts = [load(part, config.image_size) for part in ("train", "val")]
    ours = our_fit(setup, *parts, 3 * EPOCHS)
    plain = plain_epochs(*parts, False, 1e-3, EPOCHS)
    wanted = min(loss for _, loss, _ in plain)
    reached = next((seconds for seconds, loss, _ in ours if loss <= wanted), float("nan"))
    print(f"plain Keras: {EPOCHS} frozen epochs in {plain[-1][0]:.1f} s, lowest validation loss {wanted:.4f}")
    print(f"ours: {EPOCHS} epochs in {ours[EPOCHS - 1][0]:.1f} s; that loss after {reached:.1f} s")
    return {"frozen_stage_speedup": plain[-1][0] / reached, "stall_share": stall_share(config, source, prepared)}


def whole_recipe(source: Source, prepared: Prepared) -> dict[str, float]:
    """Return the seconds to the best validation score, by the default recipe and in plain Keras, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEUKEMIA_TF_CACHE"] = f"{folder}/cache"
        config = TrainConfig(base="resnet50", drop_last_block=True, data=source.folder, out=f"{folder}/run")
        began = time.time()
        run = train(config)
        whole = time.time() - began
        rows = read_csv(run.history)
        kept = kept_row(rows)
        setup_seconds = run.config.stat().st_mtime - began
        seconds = setup_seconds + sum(float(row["seconds"]) for row in rows[: kept + 1])
        ours = (seconds, float(rows[kept]["val_auroc_by_patient"]))
        size = int(rows[-1]["image_size"])
    setup = build_setup(replace(PLAIN, image_size=size), find_architecture("resnet50"), source, prepared)
    load = setup.examples()
    parts = [load(part, size) for part in ("train", "val")]
    plain = plain_epochs(*parts, True, 1e-5, FINE_TUNING_EPOCHS)
    best = max(plain, key=lambda row: row[2])
    reached = {"ours": ours, "plain": (best[0], best[2])}
    texts = (f"{name} {score:.3f} after {seconds:.0f} s" for name, (seconds, score) in reached.items())
    print("best val_auroc_by_patient:", ", ".join(texts))
    print(f"all of it: ours {whole:.0f} s with test scores and figures, plain {plain[-1][0]:.0f} s")
    return {"time_to_best_auroc_ratio": ours[0] / best[0], "ours": ours[0], "plain": best[0]}


def main() -> None:
    """Print what was measured and, as the last line, one JSON object."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--only", choices=("frozen", "whole"))
    arguments = parser.parse_args()
    use_shared()
    prepare_devices()
    source = find_source(None)
    prepared = prepare_cells(source.folder, "patient", 0)
    results = {}
    if arguments.only != "whole":
        results |= frozen_stage(replace(PLAIN, image_size=arguments.image_size), source, prepared)
    if arguments.only != "frozen":
        results |= whole_recipe(source, prepared)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
